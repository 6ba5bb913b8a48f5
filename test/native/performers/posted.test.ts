/** Batches that are posted to the real init have the results of batches that are submitted one after the other. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { close, openat, read } from '../../../native/calls/files.ts';
import { ppoll } from '../../../native/calls/poll.ts';
import { waitid } from '../../../native/calls/process.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { P, W } from '../../../native/constants/process.ts';
import { POLL } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { type Call, LostPeerError, type Outcome } from '../../../native/kernel/kernel.ts';
import { call, flush, perform, post } from '../../../native/kernel/perform.ts';
import { out, result } from '../../../native/kernel/struct.ts';
import { recordingKernel, type TraceEntry } from '../../../native/performers/recording.ts';
import { FaultPlan, faultKernel } from '../../simulation/faults.ts';

const platform = hostPlatform();
const { local } = platform;
const { kernel, pid, connection } = platform.spawnStage([0, 1, 2], 'stage');
after(() => perform(local, [close(connection), waitid(P.PID, pid, out(128), W.EXITED)]));

const getpid: Call = { name: 'getpid', args: [] };
const missing = openat(AT.FDCWD, '/no/such/file', O.RDONLY);
/** A call after which one can see whether it was performed. */
const open: Call = { name: 'dup3', args: [0, 77, 0] };
const isOpen = (): boolean => kernel.submit([{ ...close(77), mayFail: true }]).results[0] === 0;

test('are performed in order, and settled when somebody waits', () => {
  const seen: Outcome[] = [];
  const text = out(16);
  const batches: readonly (readonly Call[])[] = [
    [getpid],
    [openat(AT.FDCWD, '/proc/self/comm', O.RDONLY), read(result(0), text), close(result(0))],
    [],
  ];
  for (const calls of batches) post(kernel, calls, (outcome) => seen.push(outcome));
  assert.equal(seen.length, 0);
  assert.equal(call(kernel, getpid), pid);
  assert.deepEqual(
    seen.map(({ results, stoppedAt }) => [results.length, stoppedAt]),
    [
      [1, undefined],
      [3, undefined],
      [0, undefined],
    ],
  );
  assert.match(new TextDecoder().decode(text.bytes), /^\d+\n/);
});

test('after one that stopped, the others come once it is settled', () => {
  const order: string[] = [];
  post(kernel, [{ ...missing, mayFail: true }], () => order.push('first'));
  post(kernel, [missing, getpid], ({ results, stoppedAt }) => {
    assert.deepEqual([results, stoppedAt], [[-ERRNO.ENOENT], 0]);
    assert.equal(isOpen(), false, 'the third waits');
    post(kernel, [getpid], () => order.push('posted in between'));
    order.push('second');
  });
  post(kernel, [open], ({ results }) => order.push(`third ${results[0]}`));
  post(kernel, [missing], () => order.push('fourth'));
  post(kernel, [getpid], () => order.push('fifth'));
  flush(kernel);
  assert.deepEqual(order, ['first', 'second', 'posted in between', 'third 77', 'fourth', 'fifth']);
  assert.equal(isOpen(), true);
});

test('the answers arrive while this process goes on, and are read once', async () => {
  const readable = async (fd: number): Promise<void> => void (await platform.poll([{ fd, events: POLL.IN }], 100));
  let turns = 0;
  const count = (): void => {
    turns++;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  const seen: unknown[] = [];
  for (const name of ['one', 'two', 'three']) {
    const text = out(5);
    post(kernel, [ppoll([], 50), { name: 'prctl', args: [16, text] }, missing], ({ results }) =>
      seen.push(name, results[2]),
    );
    post(kernel, [getpid], ({ results }) => seen.push(results[0]));
  }
  await kernel.arrive?.(readable);
  clearImmediate(counting);
  assert.ok(turns >= 2, `${turns} turns of the event loop`);
  assert.equal(seen.length, 0, 'it is flush that settles');
  flush(kernel);
  assert.deepEqual(
    seen,
    ['one', 'two', 'three'].flatMap((name) => [name, -ERRNO.ENOENT, pid]),
  );
  await kernel.arrive?.(readable);
  assert.equal(call(kernel, getpid), pid);
  post(kernel, [getpid], () => seen.push('late'));
  const arriving = kernel.arrive?.(readable);
  assert.equal(call(kernel, getpid), pid, 'somebody else may wait meanwhile');
  await arriving;
  assert.equal(call(kernel, getpid), pid);
  assert.equal(seen.at(-1), 'late');
});

test('what is thrown in settling comes out where somebody waits, and ends what was posted', () => {
  post(kernel, [missing], () => {
    throw new Error('no');
  });
  post(kernel, [open], () => assert.fail('not reached'));
  assert.throws(() => kernel.submit([getpid]), /^Error: no$/);
  assert.equal(isOpen(), false);
  assert.equal(call(kernel, getpid), pid);
});

test('what is written ahead is performed when it is posted, after what was posted before', () => {
  const ahead = kernel.ahead?.();
  assert.ok(ahead);
  const order: string[] = [];
  const text = out(16);
  post(ahead.kernel, [missing], ({ results }) => order.push(`ahead ${results[0]}`));
  post(ahead.kernel, [openat(AT.FDCWD, '/proc/self/comm', O.RDONLY), read(result(0), text), close(result(0))], () =>
    order.push('ahead too'),
  );
  for (const wait of [() => flush(ahead.kernel), () => call(ahead.kernel, getpid)]) assert.throws(wait, TypeError);
  post(kernel, [missing], () => {
    assert.equal(order.length, 0);
    order.push('before');
  });
  assert.ok(ahead.size > 2 * 56, 'as much as the messages');
  ahead.post();
  assert.equal(ahead.size, 0);
  ahead.post();
  post(ahead.kernel, [getpid], () => order.push('after'));
  assert.equal(call(ahead.kernel, getpid), pid);
  assert.deepEqual(order, ['before', `ahead ${-ERRNO.ENOENT}`, 'ahead too', 'after']);
  assert.match(new TextDecoder().decode(text.bytes), /^\d+\n/);
});

test('what is written ahead is as large as the answers, where these are larger', () => {
  const ahead = kernel.ahead?.();
  assert.ok(ahead);
  post(ahead.kernel, [read(0, out(5000))], () => undefined);
  assert.ok(ahead.size > 5000);
});

test('what is written ahead and never posted is not performed', () => {
  const ahead = kernel.ahead?.();
  assert.ok(ahead);
  post(ahead.kernel, [open], () => assert.fail('not reached'));
  assert.equal(call(kernel, getpid), pid);
  assert.equal(isOpen(), false);
});

test('nothing passes unseen by who counts or records calls', () => {
  assert.equal(recordingKernel(kernel, () => undefined).ahead, undefined);
  assert.equal(faultKernel(kernel, new FaultPlan(() => undefined)).ahead, undefined);
});

test('any number may be under way', () => {
  let settled = 0;
  for (let i = 0; i < 300; i++)
    post(kernel, [openat(AT.FDCWD, `/${'x'.repeat(200)}${i}`, O.RDONLY), getpid], ({ results }) => {
      assert.deepEqual(results, [-ERRNO.ENOENT]);
      settled++;
    });
  for (let i = 0; i < 50; i++)
    post(
      kernel,
      [openat(AT.FDCWD, '/dev/zero', O.RDONLY), read(result(0), out(20_000)), close(result(0))],
      () => settled++,
    );
  flush(kernel);
  assert.equal(settled, 350);
});

test('a trace shows them as they were performed, and those that a lost process took along', () => {
  const entries: TraceEntry[] = [];
  const own = platform.spawnStage([0, 1, 2], 'stage');
  const traced = recordingKernel(own.kernel, (entry) => entries.push(entry));
  post(traced, [getpid], () => undefined);
  post(traced, [missing], () => undefined);
  post(traced, [{ ...missing, mayFail: true }], () => undefined);
  flush(traced);
  assert.deepEqual(
    entries.map(({ name, result: r }) => [name, r]),
    [
      ['getpid', own.pid],
      ['openat', -ERRNO.ENOENT],
      ['openat', -ERRNO.ENOENT],
    ],
  );
  post(traced, [{ name: 'exit_group', args: [0] }], () => assert.fail('not answered'));
  assert.throws(() => flush(traced), LostPeerError);
  assert.deepEqual([entries.at(-1)?.name, entries.at(-1)?.result], ['exit_group', undefined]);
  perform(local, [close(own.connection), waitid(P.PID, own.pid, out(128), W.EXITED)]);
});
