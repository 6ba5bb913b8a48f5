/** Children that do not end by themselves. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { close } from '../../../native/calls/files.ts';
import { getpid, pidfdOpen, SIGINFO_BYTES, waitid } from '../../../native/calls/process.ts';
import { hasChildEnded, reapChild } from '../../../native/calls/reap.ts';
import { P, W } from '../../../native/constants/process.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';
import { killProcess } from '../../../native/stage/program.ts';
import { withStandingStage } from '../../../native/stage/standing.ts';

const platform = withStandingStage(hostPlatform());
const { local, standing } = platform;
after(() => standing.retire());

/** Stops a process, so that it does not notice the end of its connection. */
function stop(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  while (!/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
}

function assertGone(pid: number): void {
  assert.throws(() => readFileSync(`/proc/${pid}/stat`), /ENOENT/);
}

test('a child that hangs is ended, and reaped', () => {
  const { pid, connection } = platform.spawnStage([0, 1, 2], 'stage');
  stop(pid);
  perform(local, [close(connection)]);
  reapChild(local, pid);
  assertGone(pid);
});

test('so is a standing stage that hangs', () => {
  const pid = call(standing.current().kernel, getpid());
  stop(pid);
  standing.retire();
  assertGone(pid);
});

test('whether a child has ended is asked without reaping it', () => {
  const { pid, connection } = platform.spawnStage([0, 1, 2], 'stage');
  assert.equal(hasChildEnded(local, pid), false);
  perform(local, [close(connection)]);
  while (!hasChildEnded(local, pid));
  perform(local, [waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED)]);
  assert.equal(hasChildEnded(local, pid), true, 'also once it is reaped');
});

test('whoever has the pid of a child that was reaped is left alone', () => {
  const { pid, connection } = platform.spawnStage([0, 1, 2], 'stage');
  perform(local, [close(connection), waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED)]);
  const asked: string[] = [];
  const watched: Kernel = {
    performer: 'runtime',
    submit(calls) {
      asked.push(...calls.map(({ name }) => name));
      return local.submit(calls);
    },
  };
  reapChild(watched, pid);
  assert.deepEqual(asked, ['waitid']);
});

test('a process that SIGKILL does not end is not waited for without end', async () => {
  const { pid, connection } = platform.spawnStage([0, 1, 2], 'stage');
  const pidfd = call(local, pidfdOpen(pid));
  // Signals of this kernel reach nobody, as if the process hung in a file system that does not answer.
  const deaf: Kernel = { performer: 'runtime', submit: () => ({ results: [0], stoppedAt: undefined }) };
  await assert.rejects(killProcess({ ...platform, local: deaf }, pidfd, 50), {
    message: 'it does not end after SIGKILL, within 0.05 s',
  });
  await killProcess(platform, pidfd);
  attempt(local, close(connection));
  attempt(local, close(pidfd));
  reapChild(local, pid);
  assertGone(pid);
});
