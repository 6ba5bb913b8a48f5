/** What real containers get from the command that creates them: descriptors, sockets, and who hears of their pid. */

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { awaitExit } from '../../effects/running/wait.ts';
import { read, write } from '../../native/calls/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { succeed } from '../../runtime/container/answers.ts';
import { type Context, PATIENCE } from '../../runtime/container/context.ts';
import { announce } from '../../runtime/foreground/announce.ts';
import { inherit, withEnvironment } from '../../runtime/foreground/inheritance.ts';
import { createContainer } from '../../runtime/operations/create.ts';
import type { Config, Mount } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { foregroundTests } from './foreground.ts';
import { listenAt } from './listening-socket.ts';
import { mountsOf } from './mountinfo.ts';

const skip = noContainers;
const tests = foregroundTests('inheritance');
const platform = hostPlatform();
const { local } = platform;
const context: Context = {
  platform,
  host: { cwd: '/', env: {}, uid: 0, gid: 0, pid: process.pid },
  root: tests.root,
  systemdCgroup: false,
  patience: PATIENCE,
  now: () => new Date().toISOString(),
  warn: (message) => assert.fail(message),
};

after(() => tests.finish());

test('who listens at the console socket of a detached container gets a terminal that works, and a pidfd', {
  skip,
}, async () => {
  const shell = shellConfig('tty; read line; echo "got $line"; exit 3');
  // /dev/console is made before a /dev becomes read-only that is meant to be.
  const readOnlyDev = (mount: Mount): Mount =>
    mount.destination === '/dev' ? { ...mount, options: [...(mount.options ?? []), 'ro'] } : mount;
  const config: Config = {
    ...shell,
    mounts: (shell.mounts ?? []).map(readOnlyDev),
    process: { ...shell.process, terminal: true },
  };
  const made = tests.make(config);
  const console = listenAt(join(tests.path, 'console'));
  const pidfds = listenAt(join(tests.path, 'pidfds'));
  const before = readdirSync('/proc/self/fd').length;

  const options = { terminal: true, detach: true, consoleSocket: console.path, pidfdSocket: pidfds.path };
  const inherited = inherit(context, options);
  const container = await createContainer(context, {
    ...made,
    config: withEnvironment(config, inherited),
    inheritance: inherited.inheritance,
  });
  const pid = container.record.init?.pid ?? 0;
  const pidFile = join(tests.path, 'pid');
  announce(local, pid, { pidFile, pidfdSocket: inherited.inheritance.pidfdSocket });
  inherited.close();
  assert.equal(readFileSync(pidFile, 'utf8'), String(pid));
  const pidfd = pidfds.receive();
  assert.equal(pidfd.data, 'standard');
  assert.match(readFileSync(`/proc/self/fdinfo/${pidfd.fd}`, 'utf8'), new RegExp(`^Pid:\\t${pid}$`, 'm'));
  const master = console.receive();
  assert.equal(master.data, '/dev/ptmx');
  assert.ok(
    mountsOf(pid)
      .find(({ point }) => point === '/dev')
      ?.options.includes('ro'),
  );

  succeed(context, await container.request({ type: 'start' }));
  perform(local, [write(master.fd, 'typed\n')]);
  let shown = '';
  for (;;) {
    await platform.poll([{ fd: master.fd, events: POLL.IN }]);
    const bytes = out(4096);
    const length = attempt(local, read(master.fd, bytes));
    if (length < 0) break;
    shown += new TextDecoder().decode(bytes.bytes.subarray(0, length));
  }
  assert.match(shown, /^(typed\r\n)?\/dev\/pts\/0\r\n(typed\r\n)?got typed\r\n$/);
  assert.deepEqual(await awaitExit(platform, pid), { pid, status: 3 });
  succeed(context, await container.request({ type: 'delete', force: true }));
  container.close();
  for (const fd of [pidfd.fd, master.fd]) closeSync(fd);
  assert.equal(readdirSync('/proc/self/fd').length, before, 'no descriptor is left open');
  console.close();
  pidfds.close();
});

test('the container has descriptors that are preserved, and no others', { skip }, async () => {
  const file = join(tests.path, 'preserved');
  writeFileSync(file, 'content');
  const fd = openSync(file, 'r');
  const run = tests.start(tests.make(shellConfig('cat <&4; echo; ls /proc/self/fd | tr "\\n" " "')), {
    stdio: ['ignore', 'pipe', 'pipe', fd, fd, fd],
    options: { preserveFds: 2 },
  });
  assert.equal(await run.ended, 0, run.errors());
  // ls itself has opened the fifth.
  assert.equal(run.output(), 'content\n0 1 2 3 4 5 ');
  closeSync(fd);
});

test('a descriptor to preserve that is not there is refused', { skip }, async () => {
  const run = tests.start(tests.make(shellConfig('echo ran')), { options: { preserveFds: 2 } });
  assert.equal(await run.ended, 99);
  assert.equal(run.errors(), 'error: unable to stat preserved-fd 0 (of 2): descriptor 3 is not open\n');
});

test('sockets that systemd passed on come first, and the container is told of them', { skip }, async () => {
  const files = ['one', 'two'].map((text) => {
    const path = join(tests.path, text);
    writeFileSync(path, text);
    return openSync(path, 'r');
  });
  const script = 'cat <&3; cat <&4; echo; echo "$LISTEN_FDS $LISTEN_PID $$"';
  const run = tests.start(tests.make(shellConfig(script)), {
    stdio: ['ignore', 'pipe', 'pipe', ...files],
    through: ['sh', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', 'sh'],
    options: { preserveFds: 1 },
  });
  assert.equal(await run.ended, 0, run.errors());
  assert.equal(run.output(), 'onetwo\n1 1 1\n');
  files.forEach(closeSync);
});

test('sockets that are meant for another process are not passed on', { skip }, async () => {
  const fd = openSync('/dev/null', 'r');
  const run = tests.start(tests.make(shellConfig('env | grep LISTEN; ls /proc/self/fd | tr "\\n" " "')), {
    stdio: ['ignore', 'pipe', 'pipe', fd],
    through: ['env', 'LISTEN_FDS=1', 'LISTEN_PID=1'],
  });
  assert.equal(await run.ended, 0, run.errors());
  assert.equal(run.output(), '0 1 2 3 ');
  closeSync(fd);
});
