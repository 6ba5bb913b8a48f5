/**
 * What is not as it should be comes by the sockets themselves: to a resident engine from whoever connects, and to a
 * client from a server that answers nonsense.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { close, openat } from '../../native/calls/files.ts';
import { socketPair } from '../../native/calls/pair.ts';
import {
  accept,
  bindUnix,
  connectUnix,
  listen,
  receive,
  receiveBuffers,
  receivedDescriptors,
  receiveMessage,
  send,
  sendDescriptors,
  socket,
} from '../../native/calls/sockets.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { AF, POLL, SOCK } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { HEADER_BYTES, MAGIC } from '../../native/resident/protocol.ts';
import { noContainers, workFolder } from './bundle.ts';
import { PATIENCE } from './patience.ts';
import { makePatient } from './patient-launcher.ts';
import { noServer, residentDist } from './resident-server.ts';

const platform = hostPlatform();
const kernel = platform.local;
const REFUSED = 'N'.charCodeAt(0);

/** A right request of this process, which is no launcher. */
function request({ argv = ['runchart', 'list'], flags = 0, preserved = 0, pid = process.pid } = {}): Uint8Array {
  const words = Buffer.from(argv.map((word) => `${word}\0`).join(''));
  const cwd = Buffer.from('/');
  const size = HEADER_BYTES + words.length + cwd.length;
  const header = new Uint32Array([MAGIC, size, words.length, 0, cwd.length, flags, preserved, 5, 3, pid]);
  return Buffer.concat([new Uint8Array(header.buffer), words, cwd]);
}

function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('nonsense', { skip: noContainers || noServer }, () => {
  const work = workFolder('resident-messages');
  const dist = residentDist(work.path);
  makePatient(dist, work.path);
  mkdirSync(join(work.path, 'state'));
  after(() => work.remove());

  it('to a server is refused, and nothing of it is kept', async () => {
    await using server = await dist.serve(['--engines', '1']);
    const [engine] = server.status().engines;
    assert.ok(engine !== undefined);
    const descriptors = () => readdirSync(`/proc/${engine.pid}/fd`).length;
    // What it opens once, it has opened.
    await refused(request(), 4);
    await idle();
    const before = descriptors();
    const seed = Math.floor(Math.random() * 1e6);
    const pick = random(seed);
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(request({ flags: pick(3), preserved: pick(3) }));
      for (let n = pick(4); n > 0; n--) bytes[pick(bytes.length)] = pick(256);
      const cut = pick(3) === 0 ? pick(bytes.length) : bytes.length;
      await refused(bytes.subarray(0, Math.max(1, cut)), pick(9), `seed ${seed}, message ${i}`);
    }
    for (const argv of [['runchart', 'serve'], ['runchart'], []] as const)
      await refused(request({ argv: [...argv] }), 4);
    await refused(request({ pid: 1 }), 4);
    await idle();
    assert.equal(descriptors(), before, 'no descriptor is kept');
    const after = server.status();
    assert.deepEqual(
      [after.commands, after.engines.map(({ pid }) => pid)],
      [0, [engine.pid]],
      'the engine is the same',
    );

    async function idle(): Promise<void> {
      for (let tries = 0; server.status().idle === 0; tries++) assert.ok(tries < 100 * PATIENCE, 'it is idle');
    }
  });

  it('that comes slowly does not hold an engine up', async () => {
    await using server = await dist.serve(['--engines', '1']);
    using connection = opened(kernel, socket(AF.UNIX, SOCK.STREAM));
    perform(kernel, [connectUnix(connection.fd, dist.socket)]);
    const bytes = request();
    let sent = 0;
    // A byte every 2 ms. It is given up long before the last one.
    for (; sent < bytes.length; sent++) {
      if (attempt(kernel, send(connection.fd, bytes.subarray(sent, sent + 1))) < 0) break;
      await setTimeout(2);
    }
    assert.ok(sent < bytes.length, `${sent} of ${bytes.length} bytes were taken`);
    assert.equal(server.status().idle, 1);
  });

  it('that comes slowly behind its header does not hold an engine up either', async () => {
    await using server = await dist.serve(['--engines', '1']);
    using connection = opened(kernel, socket(AF.UNIX, SOCK.STREAM));
    perform(kernel, [connectUnix(connection.fd, dist.socket)]);
    const bytes = request({ argv: ['runchart', 'list', 'x'.repeat(2000)] });
    let sent = HEADER_BYTES;
    call(kernel, send(connection.fd, bytes.subarray(0, sent)));
    // Each byte comes in time for one, and all of them would take two seconds.
    for (; sent < bytes.length; sent++) {
      if (attempt(kernel, send(connection.fd, bytes.subarray(sent, sent + 1))) < 0) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
    assert.ok(sent < bytes.length, `${sent} of ${bytes.length} bytes were taken`);
    assert.equal(server.status().idle, 1);
  });

  /** Sends bytes with so many descriptors along. Only a refusal, or the end, may come back. */
  async function refused(bytes: Uint8Array, descriptors: number, what = ''): Promise<void> {
    using connection = opened(kernel, socket(AF.UNIX, SOCK.STREAM));
    perform(kernel, [connectUnix(connection.fd, dist.socket)]);
    const [ours, theirs] = socketPair(kernel);
    using _ours = new Owned(kernel, ours);
    using body = new Owned(kernel, theirs);
    using nothing = opened(kernel, openat(AT.FDCWD, '/dev/null', O.RDWR));
    const along = Array.from({ length: descriptors }, (_, i) => (i === 0 ? body.fd : nothing.fd));
    const sending = along.length === 0 ? send(connection.fd, bytes) : sendDescriptors(connection.fd, along, bytes);
    // On a busy machine an engine may have given us up by now: it waits for 5 ms.
    if (attempt(kernel, sending) === -ERRNO.EPIPE) return;
    const answer = out(16);
    const length = await heard(connection.fd, answer);
    if (length > 0) assert.deepEqual([...answer.bytes.subarray(0, length)], [REFUSED], what);
  }

  async function heard(fd: number, into: ReturnType<typeof out>): Promise<number> {
    const [ready = 0] = await platform.poll([{ fd, events: POLL.IN }], 10_000 * PATIENCE);
    assert.notEqual(ready, 0, 'an answer, or the end');
    return attempt(kernel, receive(fd, into));
  }

  /** What a server may answer, and what the client comes to. Batches are malformed: no call of them is performed. */
  const answers: Readonly<Record<string, { answer: string; batch?: Uint8Array; lost?: true }>> = {
    'no word that it knows': { answer: 'x' },
    nothing: { answer: '' },
    'a refusal with more behind it': { answer: 'NBBBB' },
    'no batch': { answer: 'B', lost: true },
    'a batch that ends in its header': { answer: 'B', batch: new Uint8Array(5), lost: true },
    'a batch that is smaller than its header': { answer: 'B', batch: words(8, 0, 0, 0), lost: true },
    'a batch larger than there may be': { answer: 'B', batch: words(0xffffffff, 1, 0, 0), lost: true },
    'more calls than come': { answer: 'B', batch: words(16, 1000, 0, 0), lost: true },
    'an answer larger than there may be': { answer: 'B', batch: words(16, 0, 0xffffff00, 0), lost: true },
    'a batch that is cut off': { answer: 'B', batch: words(16 + 64, 1, 0, 0, 39, 0), lost: true },
    'a flag that nobody knows': {
      answer: 'B',
      batch: words(16 + 64, 1, 0, 0, 39, 1 << 20, ...Array(12).fill(0)),
      lost: true,
    },
    'a result of no earlier call': {
      answer: 'B',
      batch: words(16 + 64, 1, 0, 0, 39, 1, ...Array(12).fill(0)),
      lost: true,
    },
  };

  for (const [what, { answer, batch, lost }] of Object.entries(answers))
    it(`from a server is no command: ${what}`, async () => {
      using listener = opened(kernel, socket(AF.UNIX, SOCK.STREAM));
      rmSync(dist.socket, { force: true });
      perform(kernel, [bindUnix(listener.fd, dist.socket), listen(listener.fd, 8)]);
      const child = spawn(dist.program, ['--root', join(work.path, 'state'), 'list', '--quiet'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const ended = once(child, 'close');
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
      });
      await platform.poll([{ fd: listener.fd, events: POLL.IN }], -1);
      using connection = opened(kernel, accept(listener.fd));
      const buffers = receiveBuffers(8, 1 << 16);
      await platform.poll([{ fd: connection.fd, events: POLL.IN }], -1);
      call(kernel, receiveMessage(connection.fd, buffers));
      const [body = -1, ...others] = receivedDescriptors(buffers.control);
      if (answer !== '') call(kernel, send(connection.fd, Buffer.from(answer)));
      if (batch !== undefined) attempt(kernel, send(body, batch));
      for (const fd of [body, ...others]) attempt(kernel, close(fd));
      connection[Symbol.dispose]();
      const [status, signal] = await ended;
      rmSync(dist.socket, { force: true });
      assert.equal(signal, null);
      if (lost) {
        assert.equal(status, 1);
        assert.match(said, /^runchart: the resident server ended [^\n]+\n$/);
      } else assert.deepEqual([status, said], [0, ''], 'it goes on by itself');
    });
});

function words(...numbers: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(numbers).buffer);
}
