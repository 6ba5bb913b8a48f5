/** Signals end the wait for an answer, though the engine cannot run their handlers meanwhile. */

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after, afterEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { read, write } from '../../../native/calls/files.ts';
import { pipe } from '../../../native/calls/pair.ts';
import { O } from '../../../native/constants/files.ts';
import { SIGNALS } from '../../../native/constants/signal.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { perform } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';
import { InterruptedError, interruptedBy, interruption } from '../../../native/performers/interruption.ts';

const { local } = hostPlatform();
const [reading, writing] = pipe(local, O.CLOEXEC);
const heard: string[] = [];
const listener = (name: string) => void heard.push(name);
const caught = ['SIGALRM', 'SIGWINCH'] as const;

after(() => {
  closeSync(reading);
  closeSync(writing);
});
afterEach(() => {
  for (const name of caught) process.off(name, listener);
  heard.splice(0);
});

test('a signal that came before the wait ends it too, and gets its handler back', async () => {
  for (const name of caught) process.on(name, listener);
  const { awaitReadable, watch } = interruption(local);
  for (let round = 0; round < 3; round++) {
    const unwatch = watch([SIGNALS.SIGALRM]);
    process.kill(process.pid, 'SIGALRM');
    assert.throws(() => awaitReadable(reading), { name: 'InterruptedError', signal: SIGNALS.SIGALRM });
    unwatch();
    process.kill(process.pid, 'SIGALRM');
    while (heard.length < (round + 1) * 2) await setTimeout(5);
  }
  assert.deepEqual(new Set(heard), new Set(['SIGALRM']));
});

test('what is there to read comes before the signal, and other signals end nothing', async () => {
  for (const name of caught) process.on(name, listener);
  const interrupting = interruption(local);
  const unwatch = interrupting.watch([SIGNALS.SIGALRM]);
  assert.equal(interrupting.watching, true);
  process.kill(process.pid, 'SIGWINCH');
  perform(local, [write(writing, 'x')]);
  interrupting.awaitReadable(reading);
  process.kill(process.pid, 'SIGALRM');
  interrupting.awaitReadable(reading);
  unwatch();
  assert.equal(interrupting.watching, false);
  while (heard.length < 2) await setTimeout(5);
});

test('one wait is ended, for whoever has to wait again in order to clean up', async () => {
  for (const name of caught) process.on(name, listener);
  const interrupting = interruption(local);
  const [silent, other] = pipe(local, O.CLOEXEC);
  const unwatch = interrupting.watch([SIGNALS.SIGALRM], 'one wait');
  assert.equal(interrupting.interrupted, false);
  process.kill(process.pid, 'SIGALRM');
  assert.throws(() => interrupting.awaitReadable(silent), { name: 'InterruptedError' });
  assert.equal(interrupting.interrupted, true);
  // The same signal would end this process now: the next wait looks at nothing, though there is nothing to read.
  interrupting.awaitReadable(silent);
  unwatch();
  for (const fd of [silent, other]) closeSync(fd);
  interrupting.watch([SIGNALS.SIGALRM])();
  assert.equal(interrupting.interrupted, false);
  while (heard.length < 1) await setTimeout(5);
});

test('what is prepared for a wait that lasts is done then, once, and not before', () => {
  const interrupting = interruption(local);
  const [silent, speaker] = pipe(local, O.CLOEXEC);
  let prepared = 0;
  const prepare = () => void prepared++;
  interrupting.whenWaiting(prepare);
  perform(local, [write(speaker, 'x')]);
  interrupting.awaitReadable(silent);
  assert.equal(prepared, 0);
  perform(local, [read(silent, out(1))]);
  interrupting.awaitReadable(silent);
  interrupting.awaitReadable(silent);
  assert.equal(prepared, 1);
  interrupting.whenWaiting(prepare)();
  interrupting.awaitReadable(silent);
  assert.equal(prepared, 1);
  for (const fd of [silent, speaker]) closeSync(fd);
});

test('a signal that is ignored is not heeded, and any other is', () => {
  const interrupting = interruption(local);
  const { SIGALRM, SIGWINCH } = SIGNALS;
  // struct sigaction: the handler SIG_IGN, and nothing else.
  const ignoring = new Uint8Array(32);
  ignoring[0] = 1;
  const set = (action: Uint8Array) => perform(local, [{ name: 'rt_sigaction', args: [SIGALRM, action, null, 8] }]);
  set(ignoring);
  try {
    assert.deepEqual(interrupting.heeded([SIGALRM, SIGWINCH]), [SIGWINCH]);
  } finally {
    set(new Uint8Array(32));
  }
  assert.deepEqual(interrupting.heeded([SIGALRM, SIGWINCH]), [SIGALRM, SIGWINCH]);
});

test('a signal without a handler is not watched: it keeps its action', () => {
  const interrupting = interruption(local);
  const unwatch = interrupting.watch([SIGNALS.SIGALRM]);
  assert.equal(interrupting.watching, false);
  unwatch();
});

test('the error is found behind the words for what was being done', () => {
  const error = new InterruptedError(SIGNALS.SIGTERM);
  const wrapped = new Error('join', { cause: new Error('enter', { cause: error }) });
  assert.equal(interruptedBy(wrapped), error);
  assert.equal(interruptedBy(new Error('other')), undefined);
});

test('it is found in what an owner’s close adds to it', () => {
  const interrupted = new InterruptedError(SIGNALS.SIGTERM);
  assert.equal(interruptedBy(new SuppressedError(new Error('close'), interrupted)), interrupted);
  assert.equal(interruptedBy(new SuppressedError(interrupted, new Error('join'))), interrupted);
});
