/** Answers of an init that a program of the container has taken over. */

import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { close, openat, read } from '../../../native/calls/files.ts';
import { clone3 } from '../../../native/calls/process.ts';
import { accept, socketpair } from '../../../native/calls/sockets.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { SOCK } from '../../../native/constants/socket.ts';
import { type Call, LostPeerError, MalformedAnswerError, type Outcome } from '../../../native/kernel/kernel.ts';
import { flush, perform, post } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { readAnswer } from '../../../native/performers/answer.ts';
import { localKernel } from '../../../native/performers/local.ts';
import { remoteKernel } from '../../../native/performers/remote.ts';

const libc = loadLibc();
const local = localKernel(libc);

const getpid: Call = { name: 'getpid', args: [] };
const open = openat(AT.FDCWD, '/etc/hostname', O.RDONLY);
const mayFail: Call = { ...open, mayFail: true };
const clone = clone3({ flags: 0, exitSignal: 17, childServes: 5 });
const serve: Call = { ...accept(4), serve: true };

const words = (...values: readonly (number | bigint)[]): Int32Array =>
  new Int32Array(new BigInt64Array(values.map(BigInt)).buffer);

/** What becomes of batches that are all posted, if the init answers with these words and goes away. */
function answered(batches: readonly (readonly Call[])[], ...values: readonly (number | bigint)[]): Outcome[] {
  const outcomes: Outcome[] = [];
  hear(outcomes, batches, ...values);
  return outcomes;
}

/** @param outcomes gets the outcomes that a `settle` was told */
function hear(
  outcomes: Outcome[],
  batches: readonly (readonly Call[])[],
  ...values: readonly (number | bigint)[]
): void {
  const pair = out(8);
  perform(local, [socketpair(SOCK.STREAM, pair)]);
  const [ours, theirs] = [0, 4].map((at) => viewOf(pair.bytes).getInt32(at, true));
  assert.ok(ours !== undefined && theirs !== undefined);
  try {
    writeSync(theirs, new Uint8Array(words(...values).buffer));
    const kernel = remoteKernel(libc, ours, 'init');
    for (const calls of batches) post(kernel, calls, (outcome) => outcomes.push(outcome));
    perform(local, [{ name: 'shutdown', args: [theirs, 1] }]);
    flush(kernel);
  } finally {
    perform(local, [close(ours), close(theirs)]);
  }
}

const isMalformed = (error: unknown): boolean => {
  assert.ok(error instanceof MalformedAnswerError, String(error));
  // If the process is lost, its execve has succeeded. With such an answer, it has not.
  assert.ok(!(error instanceof LostPeerError));
  assert.match(error.message, /^the init process gave a malformed answer \(.+\): .+$/);
  return true;
};

describe('an answer', () => {
  it('is taken as it is where an init can give it', () => {
    assert.deepEqual(answered([[getpid, mayFail, open]], 3, 7, -ERRNO.ENOENT, 4), [
      { results: [7, -ERRNO.ENOENT, 4], stoppedAt: undefined },
    ]);
    assert.deepEqual(answered([[getpid, open, getpid]], 2, 7, -ERRNO.ENOENT, 0), [
      { results: [7, -ERRNO.ENOENT], stoppedAt: 1 },
    ]);
    assert.deepEqual(answered([[getpid, serve]], 1, 7, 0), [{ results: [7], stoppedAt: undefined }]);
    assert.deepEqual(answered([[clone]], 1, 1 << 22), [{ results: [1 << 22], stoppedAt: undefined }]);
    assert.deepEqual(answered([[open], [getpid]], 1, -ERRNO.ENOENT, -1, 0, 1, 7), [
      { results: [-ERRNO.ENOENT], stoppedAt: 0 },
      { results: [7], stoppedAt: undefined },
    ]);
  });

  const lies: Record<string, readonly [batches: readonly (readonly Call[])[], ...words: (number | bigint)[]]> = {
    'more calls than were sent': [[[getpid]], 2, 7],
    'calls without number': [[[getpid]], 0x7fff_ffff, 7],
    'calls beyond 32 bits': [[[getpid]], 0x1_0000_0001n, 7],
    'fewer than no calls': [[[getpid]], -2, 7],
    'no calls, and none failed': [[[getpid]], 0, 7],
    'fewer calls, and none failed': [[[getpid, open]], 1, 7, 0],
    'fewer calls, and the failed one may': [[[mayFail, getpid]], 1, -ERRNO.ENOENT, 0],
    'calls after one that failed': [[[open, getpid]], 2, -ERRNO.ENOENT, 7],
    'that it left the first batch alone': [[[getpid]], -1, 0],
    'that it left a batch alone which none before it stopped': [[[getpid], [getpid]], 1, 7, -1, 0],
    'that it performed a batch after one that was stopped': [[[open], [getpid]], 1, -ERRNO.ENOENT, 1, 7],
    'that it performed what was to come after the answer': [[[serve]], 1, 7],
    'an error number that no system call has': [[[mayFail]], 1, -4096],
    'a result that no number holds': [[[getpid]], 1, 0x7fff_ffff_ffff_ffffn],
    'the child’s side of a clone': [[[clone]], 1, 0],
    'a child with a pid that no process has': [[[clone]], 1, (1 << 22) + 1],
  };
  for (const [what, [batches, ...values]] of Object.entries(lies))
    it(`is an error where it says: ${what}`, () => {
      assert.throws(() => answered(batches, ...values), isMalformed);
    });

  it('tells nobody of a batch whose round has a malformed answer', () => {
    const outcomes: Outcome[] = [];
    assert.throws(() => hear(outcomes, [[getpid], [getpid]], 1, 7, 9, 9), isMalformed);
    assert.deepEqual(outcomes, []);
  });

  it('leaves out buffers alone where it is malformed', () => {
    const buffer = out(8);
    assert.throws(() => answered([[read(0, buffer)]], 2, 8, -1), isMalformed);
    assert.deepEqual(buffer.bytes, new Uint8Array(8));
  });

  it('gives as many results as calls were performed, or is malformed', () => {
    const calls = fc.array(fc.constantFrom(getpid, open, mayFail, clone), { maxLength: 6 });
    const word = fc.oneof(
      fc.constantFrom(0, 1, -1, 2, -2, 7),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    );
    const property = fc.property(
      calls,
      fc.array(word, { minLength: 7, maxLength: 7 }),
      fc.boolean(),
      (sent, said, skips) => {
        let outcome: Outcome | undefined;
        try {
          outcome = readAnswer('init', sent, words(...said), skips);
        } catch (error) {
          return isMalformed(error);
        }
        if (skips) return outcome === undefined;
        assert.ok(outcome !== undefined);
        const { results, stoppedAt } = outcome;
        assert.equal(results.length, stoppedAt === undefined ? sent.length : stoppedAt + 1);
        results.forEach((result, i) => {
          assert.ok(Number.isSafeInteger(result) && result >= -4095);
          if (result < 0 && !sent[i]?.mayFail) assert.equal(stoppedAt, i);
        });
        return true;
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });
});
