/** Containers with a terminal, in the foreground of a terminal. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fcntl } from '../../native/calls/files.ts';
import { F } from '../../native/constants/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { call } from '../../native/kernel/perform.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { foregroundTests, type StartOptions } from './foreground.ts';
import { until } from './lives.ts';
import { AS_LEADER, openPty, type Pty, shows } from './pty.ts';

const skip = noContainers;
const tests = foregroundTests('terminal');
const platform = hostPlatform();

const ptys: Pty[] = [];

after(async () => {
  await tests.finish();
  for (const pty of ptys) await pty.end();
});

function open(options?: { paused: boolean }): Pty {
  const pty = openPty(platform, options);
  ptys.push(pty);
  return pty;
}

function terminalConfig(script: string, size?: { height: number; width: number }) {
  const config = shellConfig(script);
  return { ...config, process: { ...config.process, terminal: true, ...(size && { consoleSize: size }) } };
}

const start = (pty: Pty, script: string, options: StartOptions = {}) =>
  tests.start(tests.make(terminalConfig(script)), {
    stdio: [pty.slave, pty.slave, pty.slave],
    through: AS_LEADER,
    ...options,
  });

test('the container’s terminal has the size of the caller’s, whose modes come back', { skip }, async () => {
  const pty = open();
  pty.resize(24, 80);
  const before = pty.modes();
  const flags = () => call(platform.local, fcntl(pty.slave, F.GETFL, 0));
  const flagsBefore = flags();
  const script = `trap 'stty size; echo resized' WINCH; trap 'echo interrupted; exit 5' INT
    tty; stty size; until read line && [ "$line" ]; do :; done; echo "got $line"; while :; do sleep 0.05; done`;
  const run = start(pty, script);
  await shows(pty, '/dev/pts/0\r\n24 80\r\n');
  assert.notEqual(pty.modes(), before, 'raw');
  pty.resize(50, 133);
  await shows(pty, '50 133\r\nresized\r\n');
  pty.type('a line\r');
  await shows(pty, 'a line\r\ngot a line\r\n');
  assert.equal(flags(), flagsBefore);
  pty.type('\x03');
  await shows(pty, 'interrupted\r\n');
  assert.equal(await run.ended, 5);
  assert.equal(pty.modes(), before);
  assert.equal(flags(), flagsBefore);
  await pty.end();
});

test('a terminal without a size leaves the container’s as the config has it', { skip }, async () => {
  const pty = open();
  const made = tests.make(terminalConfig('stty size', { height: 11, width: 37 }));
  const run = tests.start(made, { stdio: [pty.slave, pty.slave, pty.slave], through: AS_LEADER });
  assert.equal(await run.ended, 0);
  await shows(pty, '11 37\r\n');
  await pty.end();
});

test('megabytes come out whole', { skip }, async () => {
  const pty = open();
  const run = start(pty, 'seq 1 700000 | cat; exit 4');
  assert.equal(await run.ended, 4);
  await pty.end();
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  const expected = Array.from({ length: 700_000 }, (_, i) => `${i + 1}\r\n`).join('');
  assert.equal(pty.output().length, expected.length);
  assert.equal(digest(pty.output()), digest(expected));
});

test('where standard output leads elsewhere, every byte is as it was written', { skip }, async () => {
  const pty = open();
  const output = join(tests.path, 'bytes');
  const to = openSync(output, 'w');
  const bytes = Array.from({ length: 256 }, (_, i) => `\\${i.toString(8).padStart(3, '0')}`).join('');
  const run = start(pty, `printf '${bytes}'; cat > /dev/null`, { stdio: [pty.slave, to, pty.slave] });
  await until('it has written', () => readFileSync(output).length === 256);
  pty.type('typed\r\x04');
  assert.equal(await run.ended, 0);
  // What is typed is echoed, with ^D as nothing.
  assert.deepEqual(readFileSync(output), Buffer.from([...Array(256).keys(), ...Buffer.from('typed\n')]));
  closeSync(to);
  await pty.end();
});

test('input from elsewhere is typed, and its end does not end the terminal', { skip }, async () => {
  const pty = open();
  const before = pty.modes();
  const run = start(pty, 'read line; echo "got $line"; sleep 0.2; echo still here', {
    stdio: ['pipe', pty.slave, pty.slave],
    through: ['setsid'],
  });
  run.child.stdin?.end('piped\n');
  assert.equal(await run.ended, 0);
  await shows(pty, 'got piped\r\nstill here\r\n');
  assert.equal(pty.modes(), before);
  await pty.end();
});

test('the caller’s modes come back however the container ends', { skip }, async (t) => {
  const ends: Record<string, { script: string; status: number; end?: (pid: number, container: number) => void }> = {
    'by a signal to the runtime': {
      script: "trap 'exit 9' TERM; echo up; while :; do sleep 0.02; done",
      status: 9,
      end: (pid) => process.kill(pid, 'SIGTERM'),
    },
    'by the death of the container': {
      script: 'echo up; sleep 100',
      status: 137,
      end: (_, container) => process.kill(container, 'SIGKILL'),
    },
    'by itself': { script: 'echo up', status: 0 },
  };
  for (const [how, { script, status, end }] of Object.entries(ends)) {
    await t.test(how, async () => {
      const pty = open();
      const before = pty.modes();
      const pidFile = join(tests.path, `${how}.pid`);
      const run = start(pty, script, { options: { pidFile } });
      await shows(pty, 'up\r\n');
      end?.(run.pid, Number(readFileSync(pidFile, 'utf8')));
      assert.equal(await run.ended, status);
      assert.equal(pty.modes(), before);
      await pty.end();
    });
  }
  await t.test('before it began', async () => {
    const pty = open();
    const before = pty.modes();
    const config = terminalConfig('');
    const made = tests.make({ ...config, process: { ...config.process, args: ['/nowhere'] } });
    const run = tests.start(made, { stdio: [pty.slave, pty.slave, pty.slave], through: AS_LEADER });
    assert.equal(await run.ended, 99);
    await shows(pty, 'error: ');
    assert.equal(pty.modes(), before);
    await pty.end();
  });
});

test('a command that is stopped and continued takes the terminal again', { skip }, async () => {
  const pty = open();
  const before = pty.modes();
  const run = start(pty, 'echo up; read line; exit 6');
  await shows(pty, 'up\r\n');
  const raw = pty.modes();
  process.kill(run.pid, 'SIGSTOP');
  await until('it is stopped', () => /^State:\tT/m.test(readFileSync(`/proc/${run.pid}/status`, 'utf8')));
  pty.setModes(before);
  process.kill(run.pid, 'SIGCONT');
  await until('it is raw again', () => pty.modes() === raw);
  pty.type('\r');
  assert.equal(await run.ended, 6);
  assert.equal(pty.modes(), before);
  await pty.end();
});

test('a command in the background is stopped until it gets the terminal, as a shell expects', { skip }, async () => {
  const pty = open();
  const job = `set -m; "$@" & until grep -q '^State:.T' /proc/$!/status; do sleep 0.05; done; echo stopped; fg`;
  const run = start(pty, 'echo up; read line; exit 4', { through: [...AS_LEADER, 'bash', '-c', job, 'bash'] });
  await shows(pty, /stopped\r\n.*up\r\n/s);
  pty.type('\r');
  assert.equal(await run.ended, 4);
});

const isFull = async ({ slave }: Pty): Promise<boolean> =>
  (await platform.poll([{ fd: slave, events: POLL.OUT }], 0))[0] === 0;

test('a terminal that takes nothing stops neither signals nor the end', { skip }, async () => {
  const pty = open({ paused: true });
  const before = pty.modes();
  const marker = join(tests.path, 'stalled.pid');
  const run = start(pty, "trap 'exit 9' TERM; yes & while :; do sleep 0.05; done", { options: { pidFile: marker } });
  // The container has its trap by then, and the runtime output that it cannot write.
  for (let times = 0; times < 5; times = (await isFull(pty)) ? times + 1 : 0) await setTimeout(20);
  process.kill(run.pid, 'SIGTERM');
  const container = Number(readFileSync(marker, 'utf8'));
  await until('the container has gone', () => {
    try {
      process.kill(container, 0);
      return false;
    } catch {
      return true;
    }
  });
  // The command still has output for a terminal that takes none. Who tells it to end again gives that output up.
  process.kill(run.pid, 'SIGTERM');
  assert.equal(await run.ended, 9);
  assert.equal(pty.modes(), before);
  await pty.end();
});

test('where there is no terminal here, the container is refused, and nothing is left', { skip }, async () => {
  const run = tests.start(tests.make(terminalConfig('echo ran')), { through: ['setsid', '-w'] });
  assert.equal(await run.ended, 99);
  assert.match(run.errors(), /^error: a container with a terminal needs one here: .* \/dev\/tty: ENXIO: .*\n$/);
  assert.deepEqual(tests.containers(), []);
});

test('a terminal that hangs up ends the container', { skip }, async () => {
  const pty = open();
  const run = start(pty, "trap 'exit 8' HUP; echo up; while :; do sleep 0.02; done");
  await shows(pty, 'up\r\n');
  // When the master is closed, the session's leader gets SIGHUP, and hands it on.
  pty.pause();
  await pty.end();
  assert.equal(await run.ended, 8);
});
