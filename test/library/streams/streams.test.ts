/** Streams over pipes and terminals of this process alone: nothing is lost, nothing piles up, they end well. */

import assert from 'node:assert/strict';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { keep } from '../../../library/streams/kept.ts';
import { linesOf } from '../../../library/streams/lines.ts';
import { OpenStreams } from '../../../library/streams/open-streams.ts';
import { OutputStream } from '../../../library/streams/reading.ts';
import { TerminalStream } from '../../../library/streams/terminal.ts';
import { InputStream } from '../../../library/streams/writing.ts';
import { pipe } from '../../../native/calls/pair.ts';
import { O } from '../../../native/constants/files.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { Owned } from '../../../native/kernel/owned.ts';

const platform = hostPlatform();
const { local } = platform;
const streams = new OpenStreams(platform);
after(() => streams.close());

function newPipe() {
  const [reading, writing] = pipe(local, O.CLOEXEC);
  return { reading: new Owned(local, reading), writing: new Owned(local, writing) };
}

function connected() {
  const { reading, writing } = newPipe();
  return { output: new OutputStream(streams, reading), input: new InputStream(streams, writing) };
}

test('what is written comes out as it is, however large the pieces are', async () => {
  const { output, input } = connected();
  const sent = Buffer.alloc(3_000_001, 'abcdefg');
  const received = buffer(output);
  for (let at = 0, size = 1; at < sent.length; at += size, size = (size * 3) % 200_003)
    input.write(sent.subarray(at, at + size));
  input.end();
  assert.ok((await received).equals(sent));
  assert.ok(output.closed && input.closed);
});

test('a reader that does not read holds the writer up', async () => {
  const { output, input } = connected();
  let written = 0;
  const piece = Buffer.alloc(64 * 1024);
  const writing = (async () => {
    for (let i = 0; i < 100; i++) {
      await new Promise<void>((resolve) => void input.write(piece, () => resolve()));
      written++;
    }
    input.end();
  })();
  await sleep(50);
  assert.ok(written <= 2, `${written} pieces of 64 kB are written, and nobody has read`);
  assert.equal((await buffer(output)).length, 100 * piece.length);
  await writing;
});

test('the program has turns while data flows faster than it can be read', async () => {
  const { output, input } = connected();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const piece = Buffer.alloc(1 << 20);
  let read = 0;
  output.on('data', (chunk: Uint8Array) => {
    read += chunk.length;
  });
  for (let i = 0; i < 200; i++) await new Promise<void>((resolve) => void input.write(piece, () => resolve()));
  clearInterval(timer);
  input.end();
  await new Promise((resolve) => output.once('close', resolve));
  assert.equal(read, 200 * piece.length);
  assert.ok(turns > 5, `${turns} turns`);
});

test('a stream that is told that its writer is gone ends with what has been written', async () => {
  const { reading, writing } = newPipe();
  const output = new OutputStream(streams, reading);
  const received = text(output);
  writeSync(writing.fd, 'all of it');
  output.endWhenEmpty();
  assert.equal(await received, 'all of it');
  writing[Symbol.dispose]();
});

test('to write to what nobody reads fails with EPIPE', async () => {
  const { output, input } = connected();
  output.destroy();
  const failed = new Promise<Error & { code?: string }>((resolve) => input.once('error', resolve));
  input.write('x');
  assert.equal((await failed).code, 'EPIPE');
});

test('lines come whole, whatever pieces they come in', async () => {
  const { output, input } = connected();
  const lines = Array.fromAsync(linesOf(output));
  const bytes = Buffer.from('one\n\nthrée\nlast');
  for (const byte of bytes) {
    input.write(Uint8Array.of(byte));
    await new Promise(setImmediate);
  }
  input.end();
  assert.deepEqual(await lines, ['one', '', 'thrée', 'last']);
});

test('no more is kept than the limit, and all is read', async () => {
  const { output, input } = connected();
  const kept = keep(output, 10);
  input.end('0123456789abcdef');
  await kept.ended;
  assert.equal(kept.text(), '0123456789');
  assert.equal(kept.isTruncated, true);
});

test('a terminal ends when nobody has it open any more, and tells the end of what is typed', async () => {
  const master = openSync('/dev/ptmx', 'r+');
  const pts = unlocked(master);
  const terminal = new TerminalStream(streams);
  terminal.resize({ width: 91, height: 31 });
  terminal.open(new Owned(local, master));
  const received = text(terminal);
  const slave = openSync(pts, 'r+');
  await new Promise<void>((resolve) => void terminal.write('typed\n', () => resolve()));
  const line = Buffer.alloc(100);
  assert.equal(line.toString('utf8', 0, readSync(slave, line)), 'typed\n');
  await new Promise<void>((resolve) => void terminal.end(resolve));
  assert.equal(readSync(slave, line), 0, 'the end of the input is told');
  writeSync(slave, 'said');
  closeSync(slave);
  assert.equal(await received, 'typed\r\nsaid');
  assert.ok(terminal.destroyed);
});

test('to close all streams leaves no wait', async () => {
  const own = new OpenStreams(platform);
  const { reading, writing } = newPipe();
  const output = new OutputStream(own, reading);
  output.resume();
  await sleep(5);
  own.close();
  await new Promise((resolve) => output.once('close', resolve));
  writing[Symbol.dispose]();
});

function unlocked(master: number): string {
  const number = { kind: 'out', bytes: new Uint8Array(4) } as const;
  local.submit([
    { name: 'ioctl', args: [master, 0x40045431, new Uint8Array(4)] },
    { name: 'ioctl', args: [master, 0x80045430, number] },
  ]);
  return `/dev/pts/${new DataView(number.bytes.buffer).getUint32(0, true)}`;
}
