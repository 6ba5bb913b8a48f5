/** Work takes turns. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../library/turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('some go on at a time, each begun in a turn of its own, in the order in which they came', async () => {
  const turns = new Turns(3);
  const begun: number[] = [];
  let working = 0;
  let most = 0;
  let now = 0;
  const counting = setInterval(() => undefined, 1000);
  const count = (): void => {
    now++;
    if (begun.length < 20) setImmediate(count);
  };
  setImmediate(count);
  const begunIn: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      turns.work(async () => {
        begun.push(i);
        begunIn.push(now);
        most = Math.max(most, ++working);
        for (let n = 0; n < 5; n++) await turn();
        working--;
      }),
    ),
  );
  clearInterval(counting);
  assert.deepEqual(
    begun,
    Array.from({ length: 20 }, (_, i) => i),
  );
  assert.equal(most, 3);
  assert.equal(new Set(begunIn).size, begunIn.length, `turns ${begunIn}`);
});

test('what lasts makes room for others, and what fails leaves', async () => {
  const turns = new Turns(2);
  const { promise, resolve } = Promise.withResolvers<string>();
  const lasting = [1, 2].map(() => turns.work(() => promise));
  const holding = setInterval(() => undefined, 1000);
  await assert.rejects(
    turns.work(() => Promise.reject(new Error('no'))),
    /^Error: no$/,
  );
  assert.equal(await turns.work(async () => 'done'), 'done');
  let isBegun = false;
  const given = turns.work(
    async () => {
      isBegun = true;
    },
    AbortSignal.abort(new Error('enough')),
  );
  await assert.rejects(given, /^Error: enough$/);
  assert.equal(isBegun, false);
  assert.equal(await turns.work(async () => 'done'), 'done');
  resolve('late');
  clearInterval(holding);
  assert.deepEqual(await Promise.all(lasting), ['late', 'late']);
  assert.equal(turns.areContended, false);
});

test('what waits for its turn is given up at once, and is nobody’s turn then', async () => {
  const turns = new Turns(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const working = turns.work(() => promise);
  const abort = new AbortController();
  const begun: string[] = [];
  const begin = (name: string) => async (): Promise<void> => void begun.push(name);
  const given = turns.work(begin('given up'), abort.signal);
  const last = turns.work(begin('last'));
  await turn();
  let reason: unknown;
  given.catch((error: unknown) => {
    reason = error;
  });
  abort.abort(new Error('enough'));
  await turn();
  assert.match(String(reason), /^Error: enough$/);
  resolve();
  await Promise.all([working, last]);
  assert.deepEqual(begun, ['last']);
});
