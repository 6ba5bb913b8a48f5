/**
 * Sends answers of all kinds to native/performers/remote.ts, from the other end of a socket. They are mutated from
 * right answers. One that reaches a new branch is kept, and mutated in turn.
 */

import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import { close, openat, read } from '../../native/calls/files.ts';
import { clone3 } from '../../native/calls/process.ts';
import { accept, socketpair } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { SOCK } from '../../native/constants/socket.ts';
import type { Call, Outcome } from '../../native/kernel/kernel.ts';
import { flush, perform, post } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { type Libc, loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import * as remote from '../../native/performers/remote.ts';
import { countBranches } from './coverage.ts';
import { type Fault, withFault } from './wrong-source.ts';

type Remote = Pick<typeof remote, 'remoteKernel'>;

const MILLISECONDS = 15_000;
/** How many inputs there are between two looks at the counters. A look costs some milliseconds. */
const ROUND = 25;

const libc: Libc = loadLibc();
const local = localKernel(libc);

const getpid: Call = { name: 'getpid', args: [] };
const open = openat(AT.FDCWD, '/etc/hostname', O.RDONLY);
const mayFail: Call = { ...open, mayFail: true };
const clone = clone3({ flags: 0, exitSignal: 17, childServes: 5 });
const serve: Call = { ...accept(4), serve: true };
const reading = (size: number): Call => ({ ...read(0, out(size)), mayFail: true });

const SCENARIOS: readonly (readonly (readonly Call[])[])[] = [
  [[getpid]],
  [[getpid, mayFail, open], []],
  [[open, getpid], [getpid], [mayFail, clone]],
  [[reading(5), reading(64), getpid], [reading(9000)]],
  [[clone], [getpid, serve]],
  [[open], [open], [open], [open]],
];
/** The right answers to each scenario, which it begins with. */
const RIGHT: readonly (readonly (number | string)[])[] = [
  [0, 1, 77],
  [1, 3, 77, -2, 5, 0],
  [1, 3, 77, -2, -2, -1, 0],
  [2, 1, -2, 0, -1, 0, -1, 0, 0, 1, 77, 2, -2, 78],
  [2, 2, 4, 77, 1, 77, 2, 3, 79],
  [3, 3, 5, 64, 77, 'x'.repeat(72), 1, 9000, 'y'.repeat(9000)],
  [4, 1, 99, 1, 77, 0],
  [5, 1, -2, -1, 0, -1, 0, -1, 0, 1, -2, -1, 0, -1, 0, 1, -2, -1, 0, 1, -2],
];

/** The scenario's number, then the answer. */
function encode([scenario = 0, ...said]: readonly (number | string)[]): Uint8Array {
  const parts = said.map((one) =>
    typeof one === 'string' ? new TextEncoder().encode(one) : new Uint8Array(new BigInt64Array([BigInt(one)]).buffer),
  );
  return Buffer.concat([new Uint8Array([Number(scenario)]), ...parts]);
}

/** Whether a call could have had the result, and the batch could have gone on, or stopped, after it. */
function assertPossible(calls: readonly Call[], { results, stoppedAt }: Outcome): void {
  const stopping = results.findIndex((result, i) => result < 0 && !calls[i]?.mayFail);
  assert.equal(stoppedAt, stopping < 0 ? undefined : stopping);
  assert.equal(results.length, stopping < 0 ? calls.filter((call) => !call.serve).length : stopping + 1);
  for (const [i, result] of results.entries()) {
    assert.ok(Number.isSafeInteger(result) && result >= -4095);
    if (calls[i]?.childServes !== undefined) assert.ok(result !== 0 && result <= 4194304);
  }
}

/** Gives the kernel the answer, after which the peer is gone. @returns whether all batches came to an end */
function run({ remoteKernel }: Remote, input: Uint8Array): boolean {
  const scenario = SCENARIOS[(input[0] ?? 0) % SCENARIOS.length] ?? [];
  const pair = out(8);
  perform(local, [socketpair(SOCK.STREAM, pair)]);
  const [ours = -1, theirs = -1] = [0, 4].map((at) => viewOf(pair.bytes).getInt32(at, true));
  let settled = 0;
  try {
    const kernel = remoteKernel(libc, ours, 'init');
    writeSync(theirs, input, 1);
    perform(local, [{ name: 'shutdown', args: [theirs, 1] }]);
    scenario.forEach((calls, i) => {
      post(kernel, calls, (outcome) => {
        assert.equal(settled++, i, 'one after the other');
        assertPossible(calls, outcome);
      });
    });
    flush(kernel);
    assert.equal(settled, scenario.length);
    return true;
  } catch (error) {
    if (!(error instanceof Error) || !['LostPeerError', 'MalformedAnswerError'].includes(error.name)) throw error;
    assert.doesNotMatch(error.message, /\n/);
    return false;
  } finally {
    perform(local, [close(ours), close(theirs)]);
  }
}

/** Random numbers from a seed, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NOTABLE = [0n, 1n, -1n, -2n, -4095n, -4096n, 2n ** 22n, 2n ** 22n + 1n, 2n ** 31n - 1n, 2n ** 32n, 2n ** 53n];

function mutate(input: Uint8Array, other: Uint8Array, pick: (below: number) => number): Uint8Array {
  let bytes = Uint8Array.from(input);
  for (let n = 1 + pick(3); n > 0; n--) {
    const word = 1 + 8 * pick(Math.max(1, bytes.length >> 3));
    const kind = pick(6);
    if (kind === 0) bytes[pick(bytes.length)] = pick(256);
    else if (kind === 1 && word + 8 <= bytes.length)
      viewOf(bytes).setBigInt64(word, NOTABLE[pick(NOTABLE.length)] ?? 0n, true);
    else if (kind === 2 && word + 8 <= bytes.length)
      viewOf(bytes).setBigInt64(word, viewOf(bytes).getBigInt64(word, true) + BigInt(pick(5) - 2), true);
    else if (kind === 3) bytes = bytes.slice(0, word);
    else if (kind === 4) bytes = Buffer.concat([bytes.slice(0, word), other.slice(1 + 8 * pick(8))]);
    else bytes = Buffer.concat([bytes.slice(0, word), bytes.slice(Math.max(1, word - 8))]);
  }
  return bytes.length > 16_000 ? bytes.slice(0, 16_000) : bytes;
}

/** @param isRight whether it must be taken @throws Error with the input that broke a rule */
function attempt(module: Remote, input: Uint8Array, isRight = false): void {
  try {
    assert.ok(run(module, input) || !isRight, 'a right answer');
  } catch (error) {
    throw new Error(`the input ${Buffer.from(input).toString('hex')}`, { cause: error });
  }
}

/** @returns how many inputs there were, and how many branches they have reached */
function fuzz(module: Remote, goesOn: (runs: number) => boolean): { runs: number; first: number; reached: number } {
  const pick = random(1);
  const corpus = RIGHT.map(encode);
  const coverage = countBranches(['native/performers/answer.ts', 'native/performers/connection.ts']);
  const known = new Set<string>();
  /** @returns whether a branch was new */
  const learn = (): boolean => {
    const before = known.size;
    for (const branch of coverage.take()) known.add(branch);
    return known.size > before;
  };
  try {
    for (const input of corpus) attempt(module, input, true);
    learn();
    const first = known.size;
    let runs = corpus.length;
    while (goesOn(runs)) {
      const inputs = Array.from({ length: ROUND }, () =>
        mutate(
          corpus[pick(corpus.length)] ?? new Uint8Array(1),
          corpus[pick(corpus.length)] ?? new Uint8Array(1),
          pick,
        ),
      );
      for (const input of inputs) attempt(module, input);
      runs += ROUND;
      if (!learn()) continue;
      // It was one of these: each is tried alone.
      for (const input of inputs) {
        attempt(module, input);
        if (learn()) corpus.push(input);
      }
    }
    return { runs, first, reached: known.size };
  } finally {
    coverage.end();
  }
}

/** A fault, and an answer that shows it by itself: one of the right ones, or one that must be refused. */
const FAULTS: Record<string, Fault & { readonly answer: readonly (number | string)[] }> = {
  'too few results': {
    ...{ file: 'answer.ts', right: 'if (done < calls.length && ', wrong: 'if (done > calls.length && ' },
    answer: [1, 1, 77, 0, 0, 0],
  },
  'results that no system call has': {
    ...{ file: 'answer.ts', right: 'result < -MAX_ERRNO', wrong: 'result < -1e300' },
    answer: [0, 1, -5000],
  },
  'a child without a pid': {
    ...{ file: 'answer.ts', right: '(result !== 0 && ', wrong: '(' },
    answer: [4, 1, 0, 1, 77, 0],
  },
  'a batch that was performed, and that it takes for one left alone': {
    ...{ file: 'connection.ts', right: 'let skips = false', wrong: 'let skips = true' },
    answer: [0, 1, 77],
  },
  'a batch of which nobody is told': {
    ...{ file: 'connection.ts', right: 'i < settled', wrong: 'i < settled - 1' },
    answer: [0, 1, 77],
  },
};
const isRight = (answer: readonly unknown[]): boolean => RIGHT.some((one) => String(one) === String(answer));

describe('the kernel behind an init’s socket', () => {
  it('keeps to its rules whatever it is answered', () => {
    for (const { answer } of Object.values(FAULTS)) attempt(remote, encode(answer), isRight(answer));
    const end = performance.now() + MILLISECONDS;
    const { runs, first, reached } = fuzz(remote, () => performance.now() < end);
    console.log(`${runs} inputs, ${first} branches at first and ${reached} at the end`);
    assert.ok(reached > first);
  });

  for (const [what, { answer, ...fault }] of Object.entries(FAULTS))
    it(`notices ${what}`, async () => {
      const wrong = await withFault<Remote>(new URL('../../native/performers/remote.ts', import.meta.url), fault);
      assert.throws(() => attempt(wrong, encode(answer), isRight(answer)), /the input/);
    });
});
