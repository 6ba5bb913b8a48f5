/**
 * Sends requests of all kinds to the engine's side of the resident protocol (native/resident/protocol.ts). They are
 * mutated from right ones: numbers of the header, bytes, lengths. A seed repeats a run.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { viewOf } from '../../native/kernel/struct.ts';
import * as protocol from '../../native/resident/protocol.ts';
import { type Fault, withFault } from './wrong-source.ts';

type Protocol = Pick<typeof protocol, 'readRequest' | 'sizeOfRequest'>;

const RUNS = 100_000;
const { HEADER_BYTES, LARGEST_REQUEST, MAGIC, MOST_DESCRIPTORS, MOST_PRESERVED } = protocol;
/** magic, size, argv, environment, directory, flags, preserved, body, connection, pid. */
const FIELDS = HEADER_BYTES / 4;
const [SIZE, ARGV, ENV, CWD, FLAGS, PRESERVED] = [1, 2, 3, 4, 5, 6] as const;

function right(argv: readonly string[], env: readonly string[], cwd: string, flags = 0, preserved = 0): Uint8Array {
  const text = (words: readonly string[]) => Buffer.from(words.map((word) => `${word}\0`).join(''));
  const parts = [text(argv), text(env), Buffer.from(cwd)];
  const sizes = parts.map(({ length }) => length);
  const size = sizes.reduce((sum, one) => sum + one, HEADER_BYTES);
  const header = new Uint32Array([MAGIC, size, ...sizes, flags, preserved, 5, 3, 4711]);
  return Buffer.concat([new Uint8Array(header.buffer), ...parts]);
}

const CORPUS: readonly Uint8Array[] = [
  right(['runchart', 'state', 'c1'], ['PATH=/bin', 'A=b'], '/'),
  right(['runchart', '--root', '/run/x', 'run', '--bundle', 'b', 'c1'], [], '/tmp/a', 1, 2),
  right(['/usr/bin/runchart', 'exec', 'c1', 'sh', '-c', ''], ['é=é', '', 'x'], '/', 1),
  right(['r', 'kill', 'c'], ['LISTEN_FDS=3'], '/home', 0, MOST_PRESERVED),
];

/** Random numbers from a seed, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NOTABLE = [0, 1, 2, 20, 21, HEADER_BYTES, LARGEST_REQUEST, LARGEST_REQUEST + 1, 2 ** 31, 2 ** 32 - 1];

function mutate(input: Uint8Array, pick: (below: number) => number): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(input);
  for (let n = 1 + pick(3); n > 0; n--) {
    const at = 4 * pick(FIELDS);
    const kind = pick(7);
    const view = viewOf(bytes);
    if (kind === 0) bytes[pick(bytes.length)] = pick(256);
    else if (kind === 1 && bytes.length >= HEADER_BYTES) view.setUint32(at, NOTABLE[pick(NOTABLE.length)] ?? 0, true);
    else if (kind === 2 && bytes.length >= HEADER_BYTES)
      view.setUint32(at, (view.getUint32(at, true) + pick(5) - 2) >>> 0, true);
    else if (kind === 3 && bytes.length >= HEADER_BYTES) bytes = moved(bytes, ARGV + pick(2), pick);
    else if (kind === 4) bytes = bytes.slice(0, pick(bytes.length + 1));
    else if (kind === 5) bytes = Buffer.concat([bytes, bytes.slice(pick(bytes.length))]);
    else bytes = sized(bytes);
    if (bytes.length === 0) break;
  }
  return bytes;
}

/** Moves the border between two parts, so that the sum stays right. */
function moved(bytes: Uint8Array, field: number, pick: (below: number) => number): Uint8Array {
  const view = viewOf(bytes);
  const by = pick(7) - 3;
  view.setUint32(4 * field, (view.getUint32(4 * field, true) + by) >>> 0, true);
  view.setUint32(4 * (field + 1), (view.getUint32(4 * (field + 1), true) - by) >>> 0, true);
  return bytes;
}

/** Makes the size right again, and that of the directory, so that more than the sizes is looked at. */
function sized(bytes: Uint8Array): Uint8Array {
  if (bytes.length < HEADER_BYTES) return bytes;
  const view = viewOf(bytes);
  view.setUint32(4 * SIZE, bytes.length, true);
  const rest = bytes.length - HEADER_BYTES - view.getUint32(4 * ARGV, true) - view.getUint32(4 * ENV, true);
  view.setUint32(4 * CWD, rest >>> 0, true);
  return bytes;
}

/** What is taken for a request is one: nothing in it is out of bounds, and the sender has said all of it. */
function assertRequest(bytes: Uint8Array, { readRequest, sizeOfRequest }: Protocol): boolean {
  const size = sizeOfRequest(bytes.subarray(0, HEADER_BYTES));
  assert.ok(size === undefined || (size >= HEADER_BYTES && size <= LARGEST_REQUEST), 'its size is bounded');
  const request = readRequest(bytes);
  if (request === undefined) return false;
  const field = (at: number) => viewOf(bytes).getUint32(4 * at, true);
  assert.equal(size, bytes.length, 'it has the size that it says');
  assert.equal(field(ARGV) + field(ENV) + field(CWD) + HEADER_BYTES, bytes.length, 'its parts are all of it');
  assert.ok(request.argv.every((word) => !word.includes('\0')));
  const argv = Buffer.from(request.argv.map((word) => `${word}\0`).join(''));
  const argvEnd = HEADER_BYTES + field(ARGV);
  assert.deepEqual(argv, Buffer.from(bytes.subarray(argvEnd - argv.length, argvEnd)), 'argv is as it was sent');
  assert.deepEqual(Buffer.from(request.environment), Buffer.from(bytes.subarray(argvEnd, argvEnd + field(ENV))));
  assert.ok(request.environment.length === 0 || request.environment.at(-1) === 0, 'each variable ends');
  assert.ok(request.cwd.startsWith('/') && !request.cwd.includes('\0'), 'the directory is a path from the root');
  assert.equal(Buffer.byteLength(request.cwd), field(CWD));
  assert.ok(field(FLAGS) <= 1, 'no flag is overlooked');
  assert.ok(field(PRESERVED) <= MOST_PRESERVED && request.descriptors <= MOST_DESCRIPTORS);
  assert.equal(request.descriptors, 4 + (request.staged ? 2 : 0) + request.preserved);
  return true;
}

/** @throws Error with the input that broke a rule */
function attempt(input: Uint8Array, module: Protocol): boolean {
  try {
    return assertRequest(input, module);
  } catch (error) {
    throw new Error(`the input ${Buffer.from(input).toString('hex')}`, { cause: error });
  }
}

/** @returns how many of the inputs were requests */
function fuzz(module: Protocol, runs: number, seed: number): number {
  const pick = random(seed);
  let taken = 0;
  for (let i = 0; i < runs; i++) {
    if (attempt(mutate(CORPUS[pick(CORPUS.length)] ?? new Uint8Array(), pick), module)) taken++;
  }
  return taken;
}

/** The request, with some numbers of its header changed. */
function changed(request: Uint8Array, by: Readonly<Record<number, number>>): Uint8Array {
  const view = viewOf(request);
  for (const [field, more] of Object.entries(by)) {
    const at = 4 * Number(field);
    view.setUint32(at, view.getUint32(at, true) + more, true);
  }
  return request;
}

/** A fault, and a malformed request that shows it by itself. */
const FAULTS: Readonly<Record<string, Fault & { readonly request: Uint8Array }>> = {
  'a size beyond the largest': {
    ...{ file: 'protocol.ts', right: 'size <= LARGEST_REQUEST', wrong: 'size > 0' },
    request: right(['r', 'state', 'c'], ['A='.padEnd(LARGEST_REQUEST, 'x')], '/'),
  },
  'parts that are not all of it': {
    ...{ file: 'protocol.ts', right: 'cwdBytes !== bytes.length', wrong: 'cwdBytes > bytes.length + 8' },
    request: changed(right(['r', 'state', 'c'], ['A=b'], '/tmp'), { [CWD]: -1 }),
  },
  'a flag that nobody knows': {
    ...{ file: 'protocol.ts', right: 'flags & ~STAGED', wrong: 'flags & 0' },
    request: right(['r', 'state', 'c'], ['A=b'], '/', 2),
  },
  'too many descriptors': {
    ...{ file: 'protocol.ts', right: 'preserved > MOST_PRESERVED', wrong: 'preserved < 0' },
    request: right(['r', 'run', 'c'], ['A=b'], '/', 1, MOST_PRESERVED + 1),
  },
  'an environment without its end': {
    ...{ file: 'protocol.ts', right: 'environment.at(-1) !== 0', wrong: 'false' },
    request: changed(right(['r', 'state', 'c'], ['A=b'], '//tmp'), { [ENV]: 1, [CWD]: -1 }),
  },
  'a relative directory': {
    ...{ file: 'protocol.ts', right: "!cwd.startsWith('/')", wrong: 'false' },
    request: right(['r', 'state', 'c'], ['A=b'], 'tmp'),
  },
};

describe('a request to a resident engine', () => {
  it('is read or refused, whatever it holds', () => {
    for (const request of CORPUS) assert.ok(attempt(request, protocol), 'a right one');
    for (const { request } of Object.values(FAULTS)) assert.ok(!attempt(request, protocol), 'a malformed one');
    const seed = Date.now() >>> 0;
    const taken = fuzz(protocol, RUNS, seed);
    console.log(`${taken} of ${RUNS} inputs from seed ${seed} were requests`);
    assert.ok(taken > RUNS / 100 && taken < RUNS, 'some are, and some are not');
  });

  for (const [what, { request, ...fault }] of Object.entries(FAULTS))
    it(`notices ${what}`, async () => {
      const wrong = await withFault<Protocol>(new URL('../../native/resident/protocol.ts', import.meta.url), fault);
      assert.throws(() => attempt(request, wrong), /the input/);
    });
});
