/**
 * A file system in the rootfs does not answer (FUSE, with the test as its server). The tests ask what waits for it, and
 * how long.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { mount, umount2 } from '../../native/calls/mounts.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { POLL } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { perform } from '../../native/kernel/perform.ts';
import { viewOf } from '../../native/kernel/struct.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { catches } from './containers.ts';
import { until } from './lives.ts';
import { containersIn } from './nothing-left.ts';
import { runchart } from './runchart.ts';

const platform = hostPlatform();
const skip = noContainers || (existsSync('/dev/fuse') ? false : 'there is no /dev/fuse');
const work = workFolder('hung');
after(work.remove);
const { executable, root } = runchart(work.path);

const MNT_DETACH = 2;
const { SIGTERM } = SIGNALS;
/** A request, and an answer, has its size at byte 0, and its number at byte 8. */
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

/**
 * Sends a signal until it has been heard: then the kernel has taken the engine's handler away, or the process is gone.
 * A signal that comes between the engine's handler and the watching of it is lost.
 */
async function tell(child: ChildProcess, name: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): Promise<void> {
  const isHeard = (): boolean => {
    try {
      return child.exitCode !== null || !catches(child.pid ?? 0, SIGNALS[name]);
    } catch {
      return true;
    }
  };
  while (!isHeard()) {
    child.kill(name);
    for (let round = 0; round < 200 && !isHeard(); round++) await setTimeout(10);
  }
}

/** A command that makes a container on such a file system, once it hangs there. */
async function hanging(name: string, command: string, how: { readonly ignored?: string } = {}) {
  const config = shellConfig('true');
  const inside = { destination: '/hung/inside', type: 'tmpfs', source: 'tmpfs', options: [] };
  const bundle = makeBundle(join(work.path, name), { ...config, mounts: [...(config.mounts ?? []), inside] });
  const path = join(bundle, 'rootfs/hung');
  mkdirSync(path);
  const fileSystem = hungFileSystem(path);
  const id = `runchart-test-${process.pid}-hung-${name}`;
  const running = start([command, '--bundle', bundle, id], how);
  await fileSystem.asked();
  // A command in the background notices after a while that it hangs; until then a signal ends it as any other command.
  await until('it hears signals', () => catches(running.child.pid ?? 0, SIGTERM));
  return { id, fileSystem, ...running };
}

interface Started {
  readonly child: ChildProcess;
  /** How the command ended. Streams that it has handed on to the container may still be open. */
  readonly ended: Promise<{ readonly status: unknown; readonly signal: unknown; readonly output: string }>;
}

let started = 0;
/** @param how.ignored a signal, without SIG, that the command's caller ignores */
function start(args: readonly string[], { ignored }: { readonly ignored?: string } = {}): Started {
  const printed = join(work.path, `printed-${started++}`);
  const fd = openSync(printed, 'w');
  const command = [executable, '--root', root, ...args];
  const shell = ['sh', '-c', `trap '' ${ignored}; exec "$@"`, 'sh'];
  const [program = '', ...rest] = ignored === undefined ? command : [...shell, ...command];
  const child = spawn(program, rest, { stdio: ['ignore', fd, fd] });
  closeSync(fd);
  const ended = once(child, 'exit').then(([status, signal]) => ({
    status,
    signal,
    output: readFileSync(printed, 'utf8'),
  }));
  return { child, ended };
}

const forceDelete = (id: string) => start(['delete', '--force', id]).ended;
const DONE = { status: 0, signal: null, output: '' };

describe('a file system that does not answer', { skip }, () => {
  for (const [command, name, signal] of [
    ['create', 'SIGTERM', 15],
    ['create', 'SIGHUP', 1],
    ['run', 'SIGTERM', 15],
    ['run', 'SIGINT', 2],
  ] as const)
    it(`holds \`${command}\` until ${name} comes: then the container is removed again`, async () => {
      const { fileSystem, child, ended } = await hanging(`${command}-${name}`, command);
      try {
        await tell(child, name);
        const { status, output } = await ended;
        assert.equal(status, 128 + signal, output);
        assert.match(
          output,
          new RegExp(`^[^\\n]*level=warning msg="signal ${signal} ended the creation of container[^\\n]*\\n$`),
        );
        assert.deepEqual(containersIn(root), []);
      } finally {
        fileSystem.end();
      }
    });

  it('does not let `create` hear a signal that its caller ignores', async () => {
    const { fileSystem, child, ended } = await hanging('ignored', 'create', { ignored: 'HUP' });
    try {
      child.kill('SIGHUP');
      await tell(child, 'SIGTERM');
      const { status, output } = await ended;
      assert.equal(status, 128 + 15, output);
      assert.match(output, /"signal 15 ended the creation/);
      assert.deepEqual(containersIn(root), []);
    } finally {
      fileSystem.end();
    }
  });

  it('holds `create` no longer than a second signal, which ends the command at once', async () => {
    const { id, fileSystem, child, ended } = await hanging('twice', 'create');
    try {
      fileSystem.take();
      await tell(child, 'SIGTERM');
      child.kill('SIGTERM');
      assert.equal((await ended).signal, 'SIGTERM');
    } finally {
      fileSystem.end();
    }
    assert.deepEqual(await forceDelete(id), DONE);
  });

  it('holds `run` until somebody else deletes the container', async () => {
    const { id, fileSystem, ended } = await hanging('deleted', 'run');
    try {
      const deleted = forceDelete(id);
      const { status, output } = await ended;
      assert.equal(status, 1);
      assert.match(output, /^[^\n]*the init process ended before it answered[^\n]*\n$/);
      assert.deepEqual(await deleted, DONE);
      assert.deepEqual(containersIn(root), []);
    } finally {
      fileSystem.end();
    }
  });

  it('keeps a process alive that has a request with it, and commands say so after 10 s', async () => {
    const { id, fileSystem, child, ended } = await hanging('taken', 'create');
    try {
      fileSystem.take();
      await tell(child, 'SIGTERM');
      const created = await ended;
      assert.equal(created.status, 128 + 15);
      assert.match(created.output, /signal 15 ended the creation[^\n]*does not end after SIGKILL[^\n]*\n$/);
      const { status, output } = await forceDelete(id);
      assert.equal(status, 1);
      assert.match(output, /^[^\n]*does not end after SIGKILL[^\n]*\n$/);
    } finally {
      fileSystem.end();
    }
    assert.deepEqual(await forceDelete(id), DONE);
    assert.deepEqual(containersIn(root), []);
  });
});
