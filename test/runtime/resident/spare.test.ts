import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sparesAmong } from '../../../runtime/resident/spare.ts';

const engine = (pid: number, commands: number, spare = true, isEnding = false) => ({
  told: { pid, commands, refused: 0, spare },
  isEnding,
});

it('spares engines that have nothing to do, but for the one that has worked most', () => {
  const [little, much, fresh, busy] = [engine(1, 5), engine(2, 900), engine(3, 0), engine(4, 7, false)] as const;
  assert.deepEqual(sparesAmong([little, much, fresh, busy]), [little]);
  assert.deepEqual(sparesAmong([much]), []);
  assert.deepEqual(sparesAmong([little, { isEnding: false }]), [], 'of another one nothing is known');
  assert.deepEqual(sparesAmong([engine(1, 5), engine(2, 5)]).length, 1, 'of two alike one stays');
  assert.deepEqual(sparesAmong([engine(1, 5, true, true), much]), [], 'it ends already');
});
