/** Each attack of test/attacks/ for a moment: it works, and finds nothing. `npm run attack` goes on for longer. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ATTACKS } from '../attacks/attacks.ts';
import { goThrough } from '../attacks/harness/rounds.ts';
import { noAttacks, openYard } from '../attacks/harness/yard.ts';

const SEED = Number(process.env.RUNCHART_TEST_SEED ?? 10);
const SECONDS = 3;

describe('an attack', { skip: noAttacks }, () => {
  const yard = noAttacks === false ? openYard() : undefined;
  after(() => yard?.close());

  for (const attack of ATTACKS)
    it(`by ${attack.name} finds nothing`, { skip: attack.skip }, async (t) => {
      assert.ok(yard !== undefined);
      const [result] = await goThrough(yard, {
        attacks: [attack],
        seconds: SECONDS,
        seed: SEED,
        stop: new AbortController().signal,
        heard: () => undefined,
        done: ({ tries }) => t.diagnostic(`${tries} tries; RUNCHART_TEST_SEED=${SEED}`),
      });
      assert.deepEqual(result?.findings, []);
      assert.ok(result.tries > 0);
    });
});
