/** Streams against a kernel of their own: ends that take and give as little, and as late, as they like. */

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { Stream } from '../../../effects/foreground/stream.ts';
import { read, write } from '../../../native/calls/files.ts';
import { ppoll } from '../../../native/calls/poll.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { O } from '../../../native/constants/files.ts';
import { POLL } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { attempt, perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';

const SOURCE = 10;
const SINK = 11;

/** What an end does when it is touched: moves up to so many bytes, is not ready, or is interrupted. */
type Turn = number | 'EAGAIN' | 'EINTR';

interface World {
  readonly data: Uint8Array;
  readonly reads: Turn[];
  readonly writes: Turn[];
  /** How the source ends: by the end of the file, or as a terminal's master does. */
  readonly end: 0 | 'EIO';
  readonly blocking: { readonly source: boolean; readonly sink: boolean };
  /** After this many bytes the sink is closed at its other end. */
  readonly brokenAfter?: number;
}

function run(world: World, drain = false) {
  const { data, blocking, brokenAfter = Infinity } = world;
  const written: number[] = [];
  const told: string[] = [];
  let at = 0;
  /** Calls that would have stopped the process. */
  let hung = 0;
  let ready: 'source' | 'sink' | undefined;

  function readInto(bytes: Uint8Array): number {
    if (blocking.source && ready !== 'source') hung++;
    ready = undefined;
    const turn = world.reads.shift() ?? bytes.length;
    if (turn === 'EINTR') return -ERRNO.EINTR;
    if (turn === 'EAGAIN' && !blocking.source && !drain) return -ERRNO.EAGAIN;
    if (at === data.length) return world.end === 0 ? 0 : -ERRNO.EIO;
    const length = Math.min(typeof turn === 'number' ? turn : 1, bytes.length, data.length - at);
    bytes.set(data.subarray(at, at + length));
    at += length;
    return length;
  }

  function writeFrom(bytes: Uint8Array): number {
    if (blocking.sink && (ready !== 'sink' || bytes.length > 4096)) hung++;
    ready = undefined;
    if (written.length >= brokenAfter) return -ERRNO.EPIPE;
    const turn = world.writes.shift() ?? bytes.length;
    if (turn === 'EINTR') return -ERRNO.EINTR;
    if (turn === 'EAGAIN' && !blocking.sink) return -ERRNO.EAGAIN;
    const length = Math.min(typeof turn === 'number' ? turn : 1, bytes.length, brokenAfter - written.length);
    written.push(...bytes.subarray(0, length));
    return length;
  }

  const kernel: Kernel = {
    performer: 'test',
    submit: ([call]) => {
      const [fd, memory] = call?.args ?? [];
      if (call?.name === 'read' && fd === SOURCE && typeof memory === 'object' && memory !== null && 'bytes' in memory)
        return { results: [readInto(memory.bytes)], stoppedAt: undefined };
      if (call?.name === 'write' && fd === SINK && memory instanceof Uint8Array)
        return { results: [writeFrom(memory)], stoppedAt: undefined };
      throw new Error(`unexpected: ${call?.name}`);
    },
  };
  const stream = new Stream(
    kernel,
    { fd: SOURCE, blocking: blocking.source },
    { fd: SINK, blocking: blocking.sink },
    { ended: () => told.push('ended'), broken: () => told.push('broken') },
  );
  for (let rounds = 0; !stream.done; rounds++) {
    assert.ok(rounds < 10_000, 'it comes to an end');
    const [{ fd, events } = { fd: -1, events: 0 }, ...others] = stream.awaited;
    assert.deepEqual(others, []);
    assert.deepEqual({ fd, events }, stream.stalled ? { fd: SINK, events: POLL.OUT } : { fd: SOURCE, events: POLL.IN });
    ready = fd === SOURCE ? 'source' : 'sink';
    stream.advance(drain);
  }
  return { written: Uint8Array.from(written), told, hung, read: at };
}

const turn = fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.constantFrom<Turn>('EAGAIN', 'EINTR'));
const world = fc.record({
  data: fc.uint8Array({ maxLength: 20_000, size: 'max' }),
  reads: fc.array(turn, { maxLength: 30 }),
  writes: fc.array(turn, { maxLength: 30 }),
  end: fc.constantFrom(0 as const, 'EIO' as const),
  blocking: fc.record({ source: fc.boolean(), sink: fc.boolean() }),
});

test('whatever the ends do, every byte arrives, in order, and nothing stops the process', () => {
  fc.assert(
    fc.property(world, (given) => {
      const { written, told, hung } = run({ ...given, reads: [...given.reads], writes: [...given.writes] });
      assert.deepEqual(Buffer.from(written), Buffer.from(given.data));
      assert.deepEqual({ told, hung }, { told: ['ended'], hung: 0 });
    }),
    { numRuns: 200 },
  );
});

test('a sink that is closed ends the stream, and little more has been read', () => {
  fc.assert(
    fc.property(world, fc.double({ min: 0, max: 0.99, noNaN: true }), (given, share) => {
      fc.pre(given.data.length > 0);
      const brokenAfter = Math.floor(given.data.length * share);
      const { written, told, hung, read } = run({ ...given, brokenAfter });
      assert.deepEqual(Buffer.from(written), Buffer.from(given.data.subarray(0, written.length)));
      assert.deepEqual({ told, hung }, { told: ['broken'], hung: 0 });
      assert.equal(written.length, brokenAfter);
      assert.ok(read <= written.length + 32 * 1024);
    }),
    { numRuns: 100 },
  );
});

test('while it drains, an empty source ends the stream, but not before all data is written', () => {
  const agains: Turn[] = ['EAGAIN', 'EAGAIN'];
  const data = Uint8Array.from({ length: 5000 }, (_, i) => i);
  const blocking = { source: false, sink: false };
  const { written, told } = run({ data, reads: [3000], writes: [...agains, 10], end: 'EIO', blocking }, true);
  assert.deepEqual([written, told], [data, ['ended']]);
});

test('while it drains, a source that others hold open ends the stream when it is empty', () => {
  let reads = 0;
  const told: string[] = [];
  const kernel: Kernel = {
    performer: 'test',
    submit() {
      reads++;
      return { results: [-ERRNO.EAGAIN], stoppedAt: undefined };
    },
  };
  const end = (fd: number) => ({ fd, blocking: false });
  const stream = new Stream(kernel, end(SOURCE), end(SINK), { ended: () => told.push('ended') });
  stream.advance();
  assert.deepEqual([stream.done, reads], [false, 1]);
  stream.advance(true);
  assert.deepEqual([stream.done, reads, told], [true, 2, ['ended']]);
});

describe('between pipes', () => {
  const { local } = hostPlatform();
  const opened: number[] = [];
  after(() => {
    for (const fd of opened) closeSync(fd);
  });
  function pipe() {
    const pair = out(8);
    perform(local, [{ name: 'pipe2', args: [pair, O.CLOEXEC | O.NONBLOCK] }]);
    const [reading, writing] = [viewOf(pair.bytes).getInt32(0, true), viewOf(pair.bytes).getInt32(4, true)];
    opened.push(reading, writing);
    return { reading, writing };
  }
  const end = (fd: number) => ({ fd, blocking: false, kind: 'pipe' as const });
  const random = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 7919) >> 5));
  function put(fd: number, data: Uint8Array): number {
    return data.length === 0 ? 0 : Math.max(0, attempt(local, write(fd, data)));
  }
  function take(fd: number): Buffer {
    const into = out(200_000);
    return Buffer.from(into.bytes.subarray(0, Math.max(0, attempt(local, read(fd, into)))));
  }

  test('much and little data arrive in order, whatever is full or empty', () => {
    const pieces = fc.array(fc.tuple(fc.integer({ min: 0, max: 600_000 }), fc.boolean()), { maxLength: 12 });
    fc.assert(
      fc.property(pieces, fc.boolean(), (steps, growing) => {
        const [from, to] = [pipe(), pipe()];
        const stream = new Stream(local, { ...end(from.reading), growing }, end(to.writing));
        const data = random(steps.reduce((sum, [size]) => sum + size, 0));
        let written = 0;
        const read: Buffer[] = [];
        let wanted = 0;
        for (const [size, reads] of steps) {
          wanted += size;
          written += put(from.writing, data.subarray(written, wanted));
          stream.advance();
          if (reads) read.push(take(to.reading));
        }
        for (let rounds = 0; !stream.done; rounds++) {
          assert.ok(rounds < 1000);
          written += put(from.writing, data.subarray(written));
          stream.advance(written === data.length);
          read.push(take(to.reading));
        }
        assert.ok(Buffer.concat([...read, take(to.reading)]).equals(data));
      }),
      { numRuns: 30 },
    );
  });

  test('while it drains, it ends after what was there, though somebody goes on writing', () => {
    const [from, to] = [pipe(), pipe()];
    const stream = new Stream(local, end(from.reading), end(to.writing));
    put(from.writing, random(50_000));
    let length = 0;
    for (let rounds = 0; !stream.done; rounds++) {
      assert.ok(rounds < 1000);
      stream.advance(true);
      put(from.writing, random(40_000));
      length += take(to.reading).length;
    }
    assert.equal(length, 50_000);
  });

  test('little data shares the slots of the sink, as if the source had been written there', () => {
    const [from, to] = [pipe(), pipe()];
    const stream = new Stream(local, end(from.reading), end(to.writing));
    for (let i = 0; i < 500; i++) {
      put(from.writing, random(100));
      stream.advance();
    }
    assert.equal(stream.stalled, false);
    assert.equal(take(to.reading).length, 50_000);
  });

  test('the sink holds as much as a pipe can hold, in whatever pieces it came', () => {
    const [from, to] = [pipe(), pipe()];
    const stream = new Stream(local, end(from.reading), end(to.writing));
    for (let i = 0; i < 1000; i++) put(from.writing, random(60));
    stream.advance();
    assert.equal(stream.stalled, false);
    assert.equal(take(to.reading).length, 60_000);
  });

  test('a sink that nobody reads any more is noticed without anything to write', () => {
    const [from, to] = [pipe(), pipe()];
    const told: string[] = [];
    const stream = new Stream(local, end(from.reading), end(to.writing), { broken: () => told.push('broken') });
    closeSync(to.reading);
    opened.splice(opened.indexOf(to.reading), 1);
    const ready = stream.awaited.map((one) => Math.max(0, attempt(local, ppoll([one], 0))));
    assert.deepEqual(ready, [0, 1]);
    stream.proceed(ready);
    assert.deepEqual([stream.done, told], [true, ['broken']]);
  });
});
