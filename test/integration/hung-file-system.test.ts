/** A file system in the rootfs that does not answer (FUSE, whose server is the test): what waits for it, and for how long. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { mount, umount2 } from '../../native/calls/mounts.ts';
import { POLL } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { perform } from '../../native/kernel/perform.ts';
import { viewOf } from '../../native/kernel/struct.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { runchart } from './runchart.ts';

const platform = hostPlatform();
const skip = noContainers || (existsSync('/dev/fuse') ? false : 'there is no /dev/fuse');
const work = workFolder('hung');
after(work.remove);
const { executable, root } = runchart(work.path);

const MNT_DETACH = 2;
/** Of a request or an answer: its size at 0, and its number at 8. */
const UNIQUE = 8;

/** A FUSE file system at a path, which says what it is when it is mounted, and then nothing. */
function hungFileSystem(path: string) {
  const server = openSync('/dev/fuse', constants.O_RDWR | constants.O_NONBLOCK);
  const request = new Uint8Array(1 << 20);
  const options = `fd=${server},rootmode=40000,user_id=0,group_id=0,allow_other`;
  perform(platform.local, [mount('runchart-test', path, 'fuse', 0, options)]);
  assert.ok(readSync(server, request) > 0);
  // fuse_out_header, and fuse_init_out of version 7.31.
  const answer = new Uint8Array(16 + 64);
  const view = viewOf(answer);
  view.setUint32(0, answer.length, true);
  view.setBigUint64(UNIQUE, viewOf(request).getBigUint64(UNIQUE, true), true);
  view.setUint32(16, 7, true);
  view.setUint32(20, 31, true);
  view.setUint32(16 + 20, 4096, true);
  writeSync(server, answer);
  return {
    /** Waits until somebody asks it something. */
    async asked(): Promise<void> {
      for (let ready = 0; ready === 0; ) [ready = 0] = await platform.poll([{ fd: server, events: POLL.IN }]);
    },
    /** From then on not even SIGKILL ends who has asked. */
    take(): void {
      assert.ok(readSync(server, request) > 0);
    },
    end(): void {
      closeSync(server);
      perform(platform.local, [umount2(path, MNT_DETACH)]);
    },
  };
}

/** A command that makes a container on such a file system, once it hangs there. */
async function hanging(name: string, ...command: readonly string[]) {
  const config = shellConfig('true');
  const inside = { destination: '/hung/inside', type: 'tmpfs', source: 'tmpfs', options: [] };
  const bundle = makeBundle(join(work.path, name), { ...config, mounts: [...(config.mounts ?? []), inside] });
  const path = join(bundle, 'rootfs/hung');
  mkdirSync(path);
  const fileSystem = hungFileSystem(path);
  const id = `runchart-test-${process.pid}-hung-${name}`;
  const running = start(...command, '--bundle', bundle, id);
  await fileSystem.asked();
  return { id, fileSystem, ...running };
}

interface Started {
  readonly child: ChildProcess;
  /** Where it ends, and not the streams that it has handed on to the container. */
  readonly ended: Promise<{ readonly status: unknown; readonly signal: unknown; readonly output: string }>;
}

let started = 0;
function start(...args: readonly string[]): Started {
  const printed = join(work.path, `printed-${started++}`);
  const fd = openSync(printed, 'w');
  const child = spawn(executable, ['--root', root, ...args], { stdio: ['ignore', fd, fd] });
  closeSync(fd);
  const ended = once(child, 'exit').then(([status, signal]) => ({
    status,
    signal,
    output: readFileSync(printed, 'utf8'),
  }));
  return { child, ended };
}

const forceDelete = (id: string) => start('delete', '--force', id).ended;
const DONE = { status: 0, signal: null, output: '' };

describe('a file system that does not answer', { skip }, () => {
  it('holds a creation until a signal ends the command; what is left can be deleted', async () => {
    const { id, fileSystem, child, ended } = await hanging('signal', 'create');
    try {
      child.kill('SIGTERM');
      assert.equal((await ended).signal, 'SIGTERM');
      assert.deepEqual(await forceDelete(id), DONE);
      assert.deepEqual(readdirSync(root), []);
    } finally {
      fileSystem.end();
    }
  });

  it('holds `run` until somebody else deletes the container', async () => {
    const { id, fileSystem, ended } = await hanging('deleted', 'run');
    try {
      const deleted = forceDelete(id);
      const { status, output } = await ended;
      assert.equal(status, 1);
      assert.match(output, /^[^\n]*the init process ended before it answered[^\n]*\n$/);
      assert.deepEqual(await deleted, DONE);
      assert.deepEqual(readdirSync(root), []);
    } finally {
      fileSystem.end();
    }
  });

  it('keeps from dying who has a request with it, and `delete --force` says so after 10 s', async () => {
    const { id, fileSystem, child, ended } = await hanging('taken', 'create');
    try {
      fileSystem.take();
      child.kill('SIGTERM');
      assert.equal((await ended).signal, 'SIGTERM');
      const { status, output } = await forceDelete(id);
      assert.equal(status, 1);
      assert.match(output, /^[^\n]*does not end after SIGKILL[^\n]*\n$/);
    } finally {
      fileSystem.end();
    }
    assert.deepEqual(await forceDelete(id), DONE);
    assert.deepEqual(readdirSync(root), []);
  });
});
