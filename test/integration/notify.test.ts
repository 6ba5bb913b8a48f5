/** NOTIFY_SOCKET: what a container says when it is ready goes on to whoever waits for it. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { closeAll } from '../../effects/foreground/ends.ts';
import { write } from '../../native/calls/files.ts';
import {
  bindUnix,
  connectUnix,
  receiveBuffers,
  receivedDescriptors,
  receiveMessage,
  socket,
} from '../../native/calls/sockets.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { messageOf, RUNCHART } from './command-line.ts';
import { proc } from './containers.ts';
import { lives, until } from './lives.ts';

const { local } = hostPlatform();

/** A supervisor's socket. It takes note of what it is sent at once, and closes descriptors. */
function supervisor(path: string) {
  const fd = call(local, socket(AF.UNIX, SOCK.DGRAM | SOCK.NONBLOCK));
  perform(local, [bindUnix(fd, path)]);
  const heard: string[] = [];
  return {
    path,
    listen(): string[] {
      for (;;) {
        const buffers = receiveBuffers(1, 4096);
        const length = attempt(local, receiveMessage(fd, buffers));
        if (length < 0) return heard;
        const rights = receivedDescriptors(buffers.control);
        closeAll(local, rights);
        const text = new TextDecoder().decode(buffers.data.bytes.subarray(0, length));
        heard.push(rights.length > 0 ? `${text} with ${rights.length} descriptor` : text);
      }
    },
    close: () => closeAll(local, [fd]),
  };
}

function send(path: string, text: string): void {
  const fd = call(local, socket(AF.UNIX, SOCK.DGRAM));
  try {
    perform(local, [connectUnix(fd, path), write(fd, text)]);
  } finally {
    closeAll(local, [fd]);
  }
}

/** Says it with the only program of busybox that talks to such sockets. Its message begins with other lines. */
const sayReady = 'ln -s /run/notify/notify.sock /dev/log; logger "$(printf \'here\\nREADY=1\\nSTATUS=well\')"';
const script = (text: string): Config => shellConfig(text);

describe('NOTIFY_SOCKET', { skip: noContainers }, () => {
  const host = lives('notify');
  const { runchart } = host;
  const boss = supervisor(join(host.path, 'boss'));
  const env = { ...process.env, NOTIFY_SOCKET: boss.path };
  const commands: ChildProcess[] = [];
  afterEach(() => {
    boss.listen().length = 0;
  });
  after(async () => {
    for (const command of commands) command.kill('SIGKILL');
    boss.close();
    await host.close();
  });

  const pidOf = (id: string): number => JSON.parse(runchart('state', id).stdout).pid;
  const statusOf = (id: string): string => JSON.parse(runchart('state', id).stdout).status;
  const bundled = (config: Config) => {
    const id = host.idFor(runchart);
    return { id, bundle: host.bundle(id, config) };
  };
  /** A command that goes on while we look; its end. */
  function start(...argv: string[]): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
    const child = spawn(RUNCHART, ['--root', runchart.root, ...argv], { env, stdio: 'ignore' });
    commands.push(child);
    return { child, ended: new Promise((resolve) => child.once('close', resolve)) };
  }
  const inContainer = (id: string) => `/proc/${pidOf(id)}/root/run/notify/notify.sock`;

  it('start waits until the process says that it is ready', async () => {
    const { id, bundle } = bundled(script('exec sleep 1000'));
    assert.deepEqual(runchart.with({ env }, 'create', '-b', bundle, id).status, 0);
    const { ended } = start('start', id);
    await until('it runs', () => statusOf(id) === 'running');
    await until('there is a socket', () => existsSync(inContainer(id)));
    assert.equal(lstatSync(inContainer(id)).mode & 0o7777, 0o777);
    assert.match(proc(pidOf(id), 'environ'), /\0NOTIFY_SOCKET=\/run\/notify\/notify\.sock\0/);
    const mount = readFileSync(`/proc/${pidOf(id)}/mountinfo`, 'utf8')
      .split('\n')
      .find((line) => line.includes(' /run/notify '));
    assert.match(mount ?? '', / ro,nosuid,nodev,noexec/);

    send(inContainer(id), 'STATUS=almost');
    assert.equal(await Promise.race([ended, setTimeout(300, 'waits')]), 'waits');
    // Other commands can work on the container meanwhile.
    assert.equal(runchart('pause', id).status, 0);
    assert.equal(runchart('resume', id).status, 0);
    send(inContainer(id), 'READY=1\nSTATUS=now');
    await until('word has come', () => boss.listen().length === 3);
    assert.equal(await ended, 0);
    assert.deepEqual(boss.listen(), ['READY=1\n', `MAINPID=${pidOf(id)}\n`, 'BARRIER=1 with 1 descriptor']);
    assert.doesNotMatch(runchart('exec', id, 'env').stdout, /NOTIFY_SOCKET/);
  });

  it('run --detach hands on what the process itself says', async () => {
    const { id, bundle } = bundled(script(`${sayReady}; sleep 1000`));
    const { ended } = start('run', '--detach', '-b', bundle, id);
    await until('word has come', () => boss.listen().length === 3);
    assert.equal(await ended, 0);
    assert.deepEqual(boss.listen(), ['READY=1\n', `MAINPID=${pidOf(id)}\n`, 'BARRIER=1 with 1 descriptor']);
  });

  it('run in the foreground is itself the one to be watched', async () => {
    const { id, bundle } = bundled(script(`${sayReady}; exit 7`));
    const { child, ended } = start('run', '-b', bundle, id);
    await until('word has come', () => boss.listen().length === 3);
    assert.equal(await ended, 7);
    assert.deepEqual(boss.listen(), ['READY=1\n', `MAINPID=${child.pid}\n`, 'BARRIER=1 with 1 descriptor']);
  });

  it('a process that ends without a word is not waited for', () => {
    for (const flags of [[], ['--detach']]) {
      const { id, bundle } = bundled(script('exit 3'));
      assert.equal(runchart.with({ env }, 'run', ...flags, '-b', bundle, id).status, flags.length > 0 ? 0 : 3);
    }
    assert.deepEqual(boss.listen(), []);
  });

  it('in a user namespace too', async () => {
    const config = script('sleep 1000');
    const { linux = {} } = config;
    const mappings = [{ containerID: 0, hostID: 200_000, size: 1000 }];
    const { id, bundle } = bundled({
      ...config,
      linux: {
        ...linux,
        namespaces: [...(linux.namespaces ?? []), { type: 'user' }],
        uidMappings: mappings,
        gidMappings: mappings,
      },
    });
    // The namespace's root may not make it: the rootfs belongs to the host's root.
    mkdirSync(join(bundle, 'rootfs/run/notify'), { recursive: true });
    const { ended } = start('run', '--detach', '-b', bundle, id);
    await until('there is a socket', () => runchart('state', id).status === 0 && existsSync(inContainer(id)));
    send(inContainer(id), 'READY=1');
    await until('word has come', () => boss.listen().length === 3);
    assert.equal(await ended, 0);
  });

  it('that cannot be reached fails start before anything has happened, and run not at all', () => {
    const nowhere = { env: { ...process.env, NOTIFY_SOCKET: join(host.path, 'nowhere') } };
    const { id, bundle } = bundled(script('exit 4'));
    assert.equal(runchart.with(nowhere, 'create', '-b', bundle, id).status, 0);
    assert.equal(
      messageOf(runchart.with(nowhere, 'start', id)),
      `connect to NOTIFY_SOCKET ${host.path}/nowhere: ENOENT: no such file or directory`,
    );
    assert.equal(statusOf(id), 'created');
    assert.equal(runchart('start', id).status, 0);
    const again = bundled(script('exit 4'));
    const { status, stderr } = runchart.with(nowhere, 'run', '-b', again.bundle, again.id);
    assert.equal(status, 4);
    assert.match(stderr, /level=warning msg="connect to NOTIFY_SOCKET .*ENOENT/);
  });

  it('of a start whose container was created without one is left alone', () => {
    const { id, bundle } = bundled(script('exit 0'));
    assert.equal(runchart('create', '-b', bundle, id).status, 0);
    assert.equal(runchart.with({ env }, 'start', id).status, 0);
    assert.deepEqual(boss.listen(), []);
  });
});
