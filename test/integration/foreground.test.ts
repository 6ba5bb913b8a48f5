/** Containers in the foreground without a terminal: their streams, the signals to them, and their end. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fcntl } from '../../native/calls/files.ts';
import { F, O } from '../../native/constants/files.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { call } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { PATIENCE } from '../../runtime/container/context.ts';
import { observe } from '../../runtime/container/observe.ts';
import { openExisting, optionsFor } from '../../runtime/container/open.ts';
import { deleteContainer } from '../../runtime/operations/delete.ts';
import { lookAt } from '../../runtime/store/look.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { childrenOf, foregroundTests } from './foreground.ts';
import { until } from './lives.ts';

const skip = noContainers;
const tests = foregroundTests('foreground');
const platform = hostPlatform();
const context = {
  platform,
  host: { cwd: '/', env: process.env, uid: 0, gid: 0, pid: process.pid },
  root: tests.root,
  systemdCgroup: false,
  patience: PATIENCE,
  now: () => new Date().toISOString(),
  warn: (message: string) => assert.fail(message),
};

after(() => tests.finish());

const withoutPidNamespace = (script: string) => {
  const config = shellConfig(script);
  const namespaces = config.linux?.namespaces?.filter(({ type }) => type !== 'pid') ?? [];
  return { ...config, linux: { ...config.linux, namespaces } };
};

test('the exit status is the container’s, and nothing of the container is left', { skip }, async () => {
  const run = tests.start(tests.make(shellConfig('echo out; echo err >&2; exit 7')));
  assert.equal(await run.ended, 7);
  assert.deepEqual([run.output(), run.errors()], ['out\n', 'err\n']);
  assert.deepEqual(tests.containers(), []);
});

test('a container that a signal ends has status 128 + n', { skip }, async () => {
  const pidFile = join(tests.path, 'killed.pid');
  const run = tests.start(tests.make(shellConfig('echo up; sleep 100')), { options: { pidFile } });
  await until('it is up', () => run.output() === 'up\n');
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  assert.equal(await run.ended, 137);
});

test('with --keep the container stays, stopped', { skip }, async () => {
  const made = tests.make(shellConfig('exit 3'));
  assert.equal(await tests.start(made, { options: { keep: true } }).ended, 3);
  const look = { kernel: platform.local, root: tests.root, observe: observe.bind(undefined, platform) };
  assert.equal((await lookAt(look, made.id)).status, 'stopped');
  await deleteContainer(optionsFor(context, made.id), false);
});

test('other commands can work on the container while it runs', { skip }, async () => {
  const made = tests.make(shellConfig('echo up; sleep 100'));
  const run = tests.start(made);
  await until('it is up', () => run.output() === 'up\n');
  const container = await openExisting(context, made.id, 'start');
  assert.equal(container.status, 'running');
  await container.request({ type: 'kill', signal: 9, all: false });
  container.close();
  assert.equal(await run.ended, 137);
});

test('a container that another command deletes meanwhile still gives its status', { skip }, async () => {
  const made = tests.make(shellConfig('echo up; sleep 100'));
  const run = tests.start(made);
  await until('it is up', () => run.output() === 'up\n');
  await deleteContainer(optionsFor(context, made.id), true);
  assert.equal(await run.ended, 137);
  assert.equal(run.errors(), '');
});

test('signals go to the container, as often as they come', { skip }, async () => {
  const traps = ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'ALRM', 'CONT', 'TSTP', 'PROF', 'VTALRM', 'XCPU', 'IO', 'ABRT'];
  const script = [
    ...traps.map((name) => `trap 'echo ${name}' ${name}`),
    "trap 'echo TERM; exit 12' TERM",
    'echo up',
    'while :; do sleep 0.02; done',
  ].join('\n');
  const run = tests.start(tests.make(shellConfig(script)));
  await until('it is up', () => run.output() === 'up\n');
  let expected = 'up\n';
  for (const name of [...traps, ...traps]) {
    process.kill(run.pid, `SIG${name}`);
    expected += `${name}\n`;
    await until(`SIG${name} has come`, () => run.output() === expected);
  }
  process.kill(run.pid, 'SIGURG');
  process.kill(run.pid, 'SIGWINCH');
  process.kill(run.pid, 'SIGTERM');
  assert.equal(await run.ended, 12);
  assert.equal(run.output(), `${expected}TERM\n`);
});

test('the container has the caller’s /dev/null, and the caller’s pipes keep their mode', { skip }, async () => {
  const pair = out(8);
  call(platform.local, { name: 'pipe2', args: [pair, O.CLOEXEC] });
  const [reading, writing] = [viewOf(pair.bytes).getInt32(0, true), viewOf(pair.bytes).getInt32(4, true)];
  const nothing = openSync('/dev/null', 'r+');
  const flags = () => [nothing, writing].map((fd) => call(platform.local, fcntl(fd, F.GETFL, 0)));
  const before = flags();
  const run = tests.start(tests.make(shellConfig('readlink /proc/self/fd/0; stat -Lc %i /proc/self/fd/1; sleep 0.2')), {
    stdio: [nothing, writing, nothing],
  });
  const text = Buffer.alloc(100);
  let length = 0;
  while (text.toString('latin1', 0, length).split('\n').length < 3) length += readSync(reading, text, length, 50, null);
  assert.deepEqual(flags(), before, 'while it runs');
  assert.equal(await run.ended, 0);
  const [input, output] = text.toString('latin1', 0, length).split('\n');
  assert.equal(input, '/dev/null');
  assert.notEqual(Number(output), fstatSync(writing).ino);
  assert.deepEqual(flags(), before, 'afterwards');
  for (const fd of [reading, writing, nothing]) closeSync(fd);
});

test('what comes over sockets is copied: the container’s user can open its own ends again', { skip }, async () => {
  // What Node calls a pipe is a pair of sockets.
  const run = tests.start(tests.make(shellConfig('cat </dev/stdin; echo there >/dev/stderr')), { stdio: 'pipe' });
  run.child.stdin?.end('here');
  assert.equal(await run.ended, 0, run.errors());
  assert.deepEqual([run.output(), run.errors()], ['here', 'there\n']);
});

test('files stay the caller’s: they are copied whole, and the container’s user can open its own end again', {
  skip,
}, async () => {
  const config = shellConfig('cat > /dev/stdout; readlink /proc/self/fd/1 > /dev/stderr');
  const input = join(tests.path, 'input');
  const output = join(tests.path, 'output');
  const data = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) >> 3));
  writeFileSync(input, data);
  writeFileSync(output, 'before ');
  const from = openSync(input, 'r');
  const to = openSync(output, 'a');
  const made = tests.make({ ...config, process: { ...config.process, user: { uid: 1000, gid: 1000 } } });
  const run = tests.start(made, { stdio: [from, to, 'pipe'] });
  assert.equal(await run.ended, 0, run.errors());
  assert.match(run.errors(), /^pipe:/);
  assert.deepEqual([fstatSync(from).uid, fstatSync(to).uid], [0, 0]);
  const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  assert.equal(digest(readFileSync(output)), digest(Buffer.concat([Buffer.from('before '), data])));
  closeSync(from);
  closeSync(to);
});

test('a program that cannot be executed is an error, and nothing is left', { skip }, async () => {
  const config = shellConfig('');
  const made = tests.make({ ...config, process: { ...config.process, args: ['/nowhere'] } });
  const run = tests.start(made);
  assert.equal(await run.ended, 99);
  assert.match(run.errors(), /^error: .*\/nowhere.*\n$/);
  assert.deepEqual(tests.containers(), []);
});

test('a pid file that cannot be written is an error before anything ran', { skip }, async () => {
  const run = tests.start(tests.make(shellConfig('echo ran')), { options: { pidFile: '/nowhere/pid' } });
  assert.equal(await run.ended, 99);
  assert.equal(run.errors(), 'error: write the pid file /nowhere/pid: ENOENT: no such file or directory\n');
  assert.equal(run.output(), '');
});

test('orphans of a container without a pid namespace end with it, and are reaped', { skip }, async () => {
  const made = tests.make(withoutPidNamespace('(sleep 0.01 &); (sleep 1000 &); echo up; read line'));
  const run = tests.start(made, { stdio: ['pipe', 'pipe', 'pipe'] });
  await until('it is up', () => run.output() === 'up\n');
  await until('one orphan is here and the other has been reaped', () => {
    const children = childrenOf(run.pid);
    return children.length === 2 && children.every(({ state }) => state !== 'Z');
  });
  const orphans = childrenOf(run.pid);
  run.child.stdin?.end('line\n');
  assert.equal(await run.ended, 0, run.errors());
  // A process that has left its cgroup may still be ending. Then the host's init reaps it.
  await until('they are gone', () => orphans.every(({ pid }) => !existsSync(`/proc/${pid}`)));
});
