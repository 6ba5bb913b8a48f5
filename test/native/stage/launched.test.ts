/** The engine takes the stage that the launcher has started. The test starts one as the launcher does. */

import assert from 'node:assert/strict';
import { openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { close, closeRange, dup3 } from '../../../native/calls/files.ts';
import { waitid } from '../../../native/calls/process.ts';
import { socketpair } from '../../../native/calls/sockets.ts';
import { CLONE, P, W } from '../../../native/constants/process.ts';
import { SOCK } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { attempt, perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { endLaunchedStage, enterAhead, takeLaunchedStage } from '../../../native/stage/launched.ts';
import type { LaunchedStage } from '../../../native/stage/stage.ts';

const platform = hostPlatform();
const { local } = platform;
const kernelBehind = (socket: number) => platform.kernelBehind(socket, 'stage');
const descriptorsOf = (pid: number | string) =>
  readdirSync(`/proc/${pid}/fd`)
    .map(Number)
    .toSorted((a, b) => a - b);
const isThere = (pid: number) => attempt(local, waitid(P.PID, pid, out(128), W.EXITED | W.NOHANG)) === 0;

function launch(): LaunchedStage {
  const pair = out(8);
  perform(local, [socketpair(SOCK.STREAM, pair)]);
  const [channel, theirs] = [viewOf(pair.bytes).getInt32(0, true), viewOf(pair.bytes).getInt32(4, true)];
  const { pid, connection, kernel } = platform.spawnStage([0, 1, 2, theirs], 'stage', 30);
  perform(kernel, [dup3(3, 31, 0), close(3)]);
  perform(local, [close(theirs)]);
  return { pid, socket: connection, channel, taken: false };
}

test('has the descriptors that it is passed, in order, and its socket', () => {
  const before = descriptorsOf('self');
  const launched = launch();
  const zero = openSync('/dev/zero', 'r');
  const stage = takeLaunchedStage(local, launched, [zero, 1, zero], kernelBehind);
  assert.ok(stage);
  perform(stage.kernel, [...(stage.settling ?? []), closeRange(stage.socket + 1, 0x7fffffff)]);
  assert.deepEqual(descriptorsOf(stage.pid), [0, 1, 2, 30]);
  const targets = [0, 1, 2].map((fd) => readlinkSync(`/proc/${stage.pid}/fd/${fd}`));
  assert.deepEqual(targets, ['/dev/zero', readlinkSync('/proc/self/fd/1'), '/dev/zero']);
  assert.equal(takeLaunchedStage(local, launched, [0], kernelBehind), undefined, 'there is one');
  endLaunchedStage(local, launched);
  assert.ok(isThere(stage.pid), 'who has taken it ends it');
  perform(local, [close(stage.connection), close(zero), waitid(P.PID, stage.pid, out(128), W.EXITED)]);
  assert.deepEqual(descriptorsOf('self'), before);
});

test('is no stage for more descriptors than are below its sockets', () => {
  const launched = launch();
  const many = Array.from({ length: 31 }, () => 0);
  assert.equal(takeLaunchedStage(local, launched, many, kernelBehind), undefined);
  assert.ok(takeLaunchedStage(local, launched, many.slice(1), kernelBehind));
  endLaunchedStage(local, { ...launched, taken: false });
  assert.ok(!isThere(launched.pid));
});

test('enters namespaces ahead, and serves for no process that is not to be in them', () => {
  const launched = launch();
  const namespaceOf = (pid: number | string, type: string) => readlinkSync(`/proc/${pid}/ns/${type}`);
  enterAhead(launched, CLONE.NEWUTS | CLONE.NEWIPC, kernelBehind(launched.socket));
  assert.equal(takeLaunchedStage(local, launched, [0], kernelBehind), undefined);
  assert.equal(takeLaunchedStage(local, launched, [0], kernelBehind, { namespaces: CLONE.NEWUTS }), undefined);
  const stage = takeLaunchedStage(local, launched, [0], kernelBehind, {
    namespaces: CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWNET,
  });
  assert.equal(stage?.entered, CLONE.NEWUTS | CLONE.NEWIPC);
  const differs = ['uts', 'ipc', 'net'].map((type) => namespaceOf(launched.pid, type) !== namespaceOf('self', type));
  assert.deepEqual(differs, [true, true, false]);
  endLaunchedStage(local, { ...launched, taken: false });
});

test('is in no namespace that could not be made, and is none where it has ended meanwhile', () => {
  const launched = launch();
  // The kernel knows no such flag of unshare(2).
  enterAhead(launched, CLONE.NEWUTS | CLONE.PARENT, kernelBehind(launched.socket));
  assert.equal(takeLaunchedStage(local, launched, [0], kernelBehind)?.entered, 0);
  endLaunchedStage(local, { ...launched, taken: false });
  const killed = launch();
  process.kill(killed.pid, 'SIGKILL');
  while (!/\) Z/.test(readFileSync(`/proc/${killed.pid}/stat`, 'utf8')));
  enterAhead(killed, CLONE.NEWUTS, kernelBehind(killed.socket));
  assert.equal(takeLaunchedStage(local, killed, [0], kernelBehind, { looks: false }), undefined);
  endLaunchedStage(local, killed);
});

test('is none any more once it has ended, and ends when nobody has taken it', () => {
  const before = descriptorsOf('self');
  const killed = launch();
  process.kill(killed.pid, 'SIGKILL');
  while (!/\) Z/.test(readFileSync(`/proc/${killed.pid}/stat`, 'utf8')));
  assert.equal(takeLaunchedStage(local, killed, [0, 1, 2], kernelBehind), undefined);
  for (const launched of [killed, launch()]) {
    endLaunchedStage(local, launched);
    assert.ok(!isThere(launched.pid));
  }
  assert.deepEqual(descriptorsOf('self'), before);
});
