/** The stage that stays clones processes for a test. */

import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { close, closeRange } from '../../../native/calls/files.ts';
import { clone3, waitid } from '../../../native/calls/process.ts';
import { socketpair } from '../../../native/calls/sockets.ts';
import { P, W } from '../../../native/constants/process.ts';
import { SOCK } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Call } from '../../../native/kernel/kernel.ts';
import { call, perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { STANDING_FROM, withStandingStage } from '../../../native/stage/standing.ts';

const getpid: Call = { name: 'getpid', args: [] };
const platform = withStandingStage(hostPlatform());
const { local, standing } = platform;

const descriptorsOf = (pid: number | string): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`];
    } catch {
      return [];
    }
  });

test('clones processes that have the descriptors they were to have, and keeps none', () => {
  const before = descriptorsOf('self').length;
  const file = openSync('/dev/zero', 'r');
  const pids = [1, 2].map(() => {
    const pair = out(8);
    perform(local, [socketpair(SOCK.STREAM, pair)]);
    const [ours, theirs] = [viewOf(pair.bytes).getInt32(0, true), viewOf(pair.bytes).getInt32(4, true)];
    const { kernel, pass } = standing.current();
    const clone = clone3({ flags: 0x8000, exitSignal: 0, childServes: 1 });
    const { results } = kernel.submit([pass([file, theirs]), clone, closeRange(0, STANDING_FROM - 1)]);
    const child = platform.kernelBehind(ours, 'child');
    assert.equal(call(child, getpid), results[1]);
    assert.match(descriptorsOf(results[1] ?? 0).join(), /^0 \/dev\/zero,1 socket:/);
    perform(local, [close(ours), close(theirs), waitid(P.PID, results[1] ?? 0, out(128), W.EXITED)]);
    return call(kernel, getpid);
  });
  closeSync(file);
  assert.equal(pids[0], pids[1], 'one stage for both');
  const [stage = 0] = pids;
  assert.deepEqual(
    descriptorsOf(stage).map((one) => Number(one.split(' ')[0])),
    [STANDING_FROM, STANDING_FROM + 1],
  );
  const session = (pid: number | string) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[5];
  assert.notEqual(session(stage), session('self'), 'in a session of its own');
  standing.retire();
  assert.throws(() => readFileSync(`/proc/${stage}/stat`), /ENOENT/);
  assert.equal(descriptorsOf('self').length, before);
});

test('one that was killed is replaced', () => {
  const first = call(standing.current().kernel, getpid);
  process.kill(first, 'SIGKILL');
  while (!/\) Z/.test(readFileSync(`/proc/${first}/stat`, 'utf8')));
  const second = call(standing.current().kernel, getpid);
  assert.notEqual(second, first);
  standing.retire();
});
