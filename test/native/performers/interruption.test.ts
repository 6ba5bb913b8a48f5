/** Signals end the wait for an answer, though the engine cannot run their handlers meanwhile. */

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { write } from '../../../native/calls/files.ts';
import { O } from '../../../native/constants/files.ts';
import { SIGNALS } from '../../../native/constants/signal.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { InterruptedError, interruptedBy, interruption } from '../../../native/performers/interruption.ts';

const { local } = hostPlatform();
const pair = out(8);
perform(local, [{ name: 'pipe2', args: [pair, O.CLOEXEC] }]);
const [reading, writing] = [viewOf(pair.bytes).getInt32(0, true), viewOf(pair.bytes).getInt32(4, true)];
const heard: string[] = [];
const listener = (name: string) => void heard.push(name);
const caught = ['SIGALRM', 'SIGWINCH'] as const;

afterEach(() => {
  for (const name of caught) process.off(name, listener);
  heard.splice(0);
});

test('one that came before the wait ends it too, and its handler is as it was', async () => {
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

test('what is there is taken, and others end nothing', async () => {
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

test('without a handler there is nothing to end it by: the signal does what it does', () => {
  const interrupting = interruption(local);
  const unwatch = interrupting.watch([SIGNALS.SIGALRM]);
  assert.equal(interrupting.watching, false);
  unwatch();
  closeSync(reading);
  closeSync(writing);
});

test('it is found behind what was being done', () => {
  const error = new InterruptedError(SIGNALS.SIGTERM);
  const wrapped = new Error('join', { cause: new Error('enter', { cause: error }) });
  assert.equal(interruptedBy(wrapped), error);
  assert.equal(interruptedBy(new Error('other')), undefined);
});
