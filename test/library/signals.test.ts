/** Names with and without SIG and numbers are signals, and everything else is an error. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from '../../library/errors.ts';
import { containerId } from '../../library/id.ts';
import { type Signal, signalNumber } from '../../library/signals.ts';

test('names and numbers', () => {
  for (const [signal, number] of [
    ['SIGKILL', 9],
    ['KILL', 9],
    ['TERM', 15],
    [1, 1],
    [64, 64],
  ] as const)
    assert.equal(signalNumber(signal), number);
});

test('what is no signal', () => {
  for (const signal of ['', 'SIG', 'SIGFOO', 'kill', '9', 'toString', 0, -1, 65, 1.5, Number.NaN, null, undefined, {}])
    assert.throws(() => signalNumber(signal as Signal), InvalidArgumentError, String(signal));
});

test('an id is a string of some letters', () => {
  assert.equal(containerId('a_b+c-d.1'), 'a_b+c-d.1');
  for (const id of ['', '.', '..', 'a/b', 'x'.repeat(256), 7, undefined, null])
    assert.throws(() => containerId(id as string), { name: 'InvalidArgumentError', code: 'INVALID_ARGUMENT' });
});
