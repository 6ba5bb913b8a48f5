import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { awaitExit, reaperOf, reapIfEnded } from '../../../effects/running/wait.ts';
import { close, closeRange } from '../../../native/calls/files.ts';
import { execve, waitid } from '../../../native/calls/process.ts';
import { CLOSE_RANGE } from '../../../native/constants/files.ts';
import { P, W } from '../../../native/constants/process.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { LostPeerError } from '../../../native/kernel/kernel.ts';
import { perform } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';

const platform = hostPlatform();
const { local } = platform;

/** waitid(2): the child stays a zombie, and its parent may ask again. */
const WNOWAIT = 0x01000000;

/** Starts a child of this process which the engine does not know. */
function shell(script: string): number {
  const { pid, kernel, connection } = platform.spawnStage([0, 1, 2], 'stage');
  const calls = [closeRange(3, 1000, CLOSE_RANGE.CLOEXEC), execve('/bin/sh', ['sh', '-c', script], ['PATH=/bin'])];
  assert.throws(() => kernel.submit(calls), LostPeerError);
  perform(local, [close(connection)]);
  return pid;
}

test('the status of a child that ends by itself or by a signal', async () => {
  for (const [script, ending] of [
    ['exit 0', { status: 0 }],
    ['sleep 0.05; exit 42', { status: 42 }],
    ['kill -TERM $$', { status: 143, signal: 15 }],
    ['kill -KILL $$', { status: 137, signal: 9 }],
  ] as const) {
    const pid = shell(script);
    assert.deepEqual(await awaitExit(platform, pid), { pid, ...ending }, script);
    assert.equal(reapIfEnded(local, pid), undefined, 'once');
  }
});

test('a child that runs has no status yet', async () => {
  const pid = shell('exec sleep 1000');
  try {
    assert.equal(reapIfEnded(local, pid), undefined);
  } finally {
    process.kill(pid, 'SIGTERM');
  }
  assert.deepEqual(await awaitExit(platform, pid), { pid, status: 143, signal: 15 });
});

test('the end of a process that is no child is seen, but not its status', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; read line'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(parent.stdout.setEncoding('utf8'), 'data');
  assert.equal(await awaitExit(platform, Number(line)), undefined);
  parent.stdin.end('\n');
  await once(parent, 'close');
  assert.equal(await awaitExit(platform, Number(line)), undefined, 'nor is that of one that is gone');
});

test('a process is gone when its number belongs to a thread by now', async () => {
  const thread = readdirSync('/proc/self/task')
    .map(Number)
    .find((id) => id !== process.pid);
  assert.equal(await awaitExit(platform, thread ?? 0), undefined);
});

test('a status is kept for the one who asks, though other children are reaped too', async () => {
  const pid = shell('exit 9');
  const other = shell('exit 8');
  const reaper = reaperOf(local, pid);
  for (const one of [pid, other]) perform(local, [waitid(P.PID, one, out(128), W.EXITED | WNOWAIT)]);
  assert.equal(reapIfEnded(local, other)?.status, 8);
  assert.equal(reaper.exitStatus(), 9);
  assert.equal(reaper.exitStatus(), 9);
  assert.throws(() => reaperOf(local, pid).exitStatus(), {
    message: `the exit status of process ${pid} went to another process`,
  });
});
