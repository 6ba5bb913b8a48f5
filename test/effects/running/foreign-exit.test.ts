/** How a process ended that somebody else has started. */

import assert from 'node:assert/strict';
import { release } from 'node:os';
import { test } from 'node:test';
import { startTimeOf } from '../../../effects/paths/proc.ts';
import { awaitForeignExit } from '../../../effects/running/foreign-exit.ts';
import { close } from '../../../native/calls/files.ts';
import { pidfdSendSignal, waitid } from '../../../native/calls/process.ts';
import { reapChild } from '../../../native/calls/reap.ts';
import { P, W } from '../../../native/constants/process.ts';
import { SIGNALS } from '../../../native/constants/signal.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { perform } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';
import { spawnProcess } from '../../../native/stage/program.ts';

const platform = hostPlatform();
const { local } = platform;

/** Since Linux 6.15 a pidfd tells how its process ended after that was reaped. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const remembers = major > 6 || (major === 6 && minor >= 15);

/** It is a child of this process only so that the test decides when it is reaped. */
function shell(script: string) {
  const { pid, pidfd } = spawnProcess(platform, {
    path: '/bin/sh',
    argv: ['sh', '-c', script],
    env: [],
    descriptors: [0, 1, 2],
    performer: 'shell',
  });
  return {
    init: { pid, startTime: startTimeOf(local, pid) },
    kill: (signal: number) => perform(local, [pidfdSendSignal(pidfd, signal)]),
    /** Waits until it is a zombie. */
    ended: () => perform(local, [waitid(P.PID, pid, out(128), W.EXITED | W.NOWAIT)]),
    reap: () => reapChild(local, pid),
    [Symbol.dispose]: () => perform(local, [close(pidfd)]),
  };
}

test('a zombie tells how it ended, by itself or by a signal', async () => {
  using exiting = shell('exit 7');
  exiting.ended();
  await assert.rejects(awaitForeignExit(platform, { ...exiting.init, startTime: '1' }), /has ended already/);
  assert.deepEqual(await awaitForeignExit(platform, exiting.init), { pid: exiting.init.pid, status: 7 });
  exiting.reap();
  using waiting = shell('exec sleep 1000');
  const told = [1, 2].map(() => awaitForeignExit(platform, waiting.init));
  waiting.kill(SIGNALS.SIGTERM);
  for (const exited of await Promise.all(told))
    assert.deepEqual(exited, { pid: waiting.init.pid, status: 143, signal: SIGNALS.SIGTERM });
  waiting.reap();
});

test('where it is reaped at once, the kernel tells, or nobody', async () => {
  for (const [script, signal, expected] of [
    ['exec sleep 1000', SIGNALS.SIGKILL, { status: 137, signal: SIGNALS.SIGKILL }],
    ['sleep 0.1; exit 9', 0, { status: 9 }],
  ] as const) {
    using process = shell(script);
    const told = awaitForeignExit(platform, process.init);
    process.kill(signal);
    process.ended();
    process.reap();
    if (remembers) assert.deepEqual(await told, { pid: process.init.pid, ...expected });
    else await assert.rejects(told, { name: 'EffectError', message: /how is known to the process that created it/ });
  }
});

test('nobody tells of one that has been reaped before anybody waited, or that never was', async () => {
  using process = shell('exit 3');
  process.ended();
  process.reap();
  await assert.rejects(awaitForeignExit(platform, process.init), /has ended already, and how is known/);
  await assert.rejects(awaitForeignExit(platform, undefined), /has ended already/);
});

test('a signal ends the wait, and not the process', async () => {
  using process = shell('exec sleep 1000');
  await assert.rejects(awaitForeignExit(platform, process.init, AbortSignal.timeout(20)), { name: 'TimeoutError' });
  process.kill(0);
  process.kill(SIGNALS.SIGKILL);
  process.reap();
});
