import assert from 'node:assert/strict';
import { it } from 'node:test';
import { variablesIn } from '../../../runtime/resident/variables.ts';

const found = (...variables: string[]) => variablesIn(Buffer.from(variables.map((one) => `${one}\0`).join('')));

it('finds the variables that our code reads, and no others', () => {
  assert.deepEqual(found('A=1', 'USER=ä', 'XUSER=no', 'LISTEN_FDS=2', 'PATH=/bin'), { USER: 'ä', LISTEN_FDS: '2' });
  assert.deepEqual(found(), {});
  assert.deepEqual(found('NOTIFY_SOCKET='), { NOTIFY_SOCKET: '' });
  // As for getenv, the first counts.
  assert.deepEqual(found('USER=a', 'USER=b'), { USER: 'a' });
});
