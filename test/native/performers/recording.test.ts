/** What a recording kernel tells its sink of batches. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, openat } from '../../../native/calls/files.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { type Call, type Kernel, LostPeerError } from '../../../native/kernel/kernel.ts';
import { result } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import { recordingKernel, type TraceEntry } from '../../../native/performers/recording.ts';

const getpid: Call = { name: 'getpid', args: [] };

function recorded(inner: Kernel) {
  const entries: TraceEntry[] = [];
  let clock = 0;
  const kernel = recordingKernel(
    inner,
    (entry) => entries.push(entry),
    () => 312,
    () => clock++,
  );
  return { kernel, entries };
}

test('hands on every call with its result, and references as values', () => {
  const { kernel, entries } = recorded(localKernel(loadLibc()));
  const { results } = kernel.submit([getpid, openat(AT.FDCWD, '/', O.PATH), close(result(1))]);
  assert.equal(entries.length, 3);
  assert.deepEqual(
    entries.map((entry) => entry.result),
    results,
  );
  assert.deepEqual(entries[2], {
    performer: 'runtime',
    pid: 312,
    at: 0,
    name: 'close',
    args: [results[1]],
    result: 0,
    index: 2,
    count: 3,
    seconds: 1,
  });
});

test('leaves out what was not reached', () => {
  const { kernel, entries } = recorded(localKernel(loadLibc()));
  kernel.submit([{ ...close(-1), mayFail: true }, close(-1), getpid]);
  assert.deepEqual(
    entries.map(({ name, index, count }) => [name, index, count]),
    [
      ['close', 0, 2],
      ['close', 1, 2],
    ],
  );
});

test('leaves out what could do nothing, since what it was to work on is not there', () => {
  const { kernel, entries } = recorded(localKernel(loadLibc()));
  const missing = { ...openat(AT.FDCWD, '/nowhere', O.PATH), mayFail: true as const };
  const { results } = kernel.submit([missing, { ...close(result(0)), mayFail: true }, getpid]);
  assert.equal(results.length, 3, 'the kernel is asked all the same');
  assert.deepEqual(
    entries.map(({ name, index, count }) => [name, index, count]),
    [
      ['openat', 0, 2],
      ['getpid', 1, 2],
    ],
  );
});

test('records a lost batch and one that is served on without results', () => {
  const lost = recorded({
    performer: 'init',
    submit() {
      throw new LostPeerError('init');
    },
  });
  assert.throws(() => lost.kernel.submit([getpid, getpid]), LostPeerError);
  assert.deepEqual(
    lost.entries.map((entry) => [entry.performer, entry.result]),
    [
      ['init', undefined],
      ['init', undefined],
    ],
  );
  const served = recorded({ performer: 'init', submit: () => ({ results: [7], stoppedAt: undefined }) });
  served.kernel.submit([getpid, { name: 'accept4', args: [3, null, null, 0], serve: true }]);
  assert.deepEqual(
    served.entries.map((entry) => entry.result),
    [7, undefined],
  );
});

test('keeps what the inner kernel has besides', () => {
  const inner = { performer: 'init', socket: 5, submit: () => ({ results: [], stoppedAt: undefined }) };
  assert.equal(recordingKernel(inner, () => {}).socket, 5);
});
