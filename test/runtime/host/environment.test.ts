/** What programs inherit of the environment: every byte, and the first of several variables with one name. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dataFile } from '../../../native/calls/data-file.ts';
import type { Variable } from '../../../native/calls/process.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { environmentOf, inherited } from '../../../runtime/host/environment.ts';

const bytesOf = (entries: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(entries.flatMap((entry) => [entry, Buffer.of(0)]));
const again = (variables: readonly Variable[]): Uint8Array =>
  bytesOf(variables.map((one) => (typeof one === 'string' ? new TextEncoder().encode(one) : one.subarray(0, -1))));

const nonZero = fc.uint8Array({ min: 1, maxLength: 12 });
const text = fc.string({ unit: fc.constantFrom('A', 'é', '=', '\uFEFF', '😀', '\n'), maxLength: 6 });
const entry = fc.oneof(
  nonZero,
  text.map((one) => new TextEncoder().encode(one)),
);

test('where each name comes once, every variable stays, in order', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
      const unique = entries.map((one, i) => Buffer.concat([Buffer.from(`${i}=`), one]));
      assert.deepEqual(again(inherited(bytesOf(unique))), bytesOf(unique));
    }),
  );
});

test('an entry stays if its name is new, or if it has no name', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
      const names = new Set<string>();
      const expected = entries.filter((one) => {
        const [name, ...rest] = Buffer.from(one).toString('latin1').split('=');
        if (one.length === 0) return false;
        if (rest.length === 0) return true;
        const isNew = !names.has(name ?? '');
        names.add(name ?? '');
        return isNew;
      });
      assert.deepEqual(again(inherited(bytesOf(entries))), bytesOf(expected));
    }),
  );
});

test('the environment is read from the launcher’s file, or else from the variables of this process', () => {
  const { local } = hostPlatform();
  const environmentFile = dataFile(local, 'environment', 'A=1\0B=\uFEFF\0');
  const env = { C: '2', PATH: '/bin' };
  for (let times = 0; times < 2; times++)
    assert.deepEqual(environmentOf({ env, environmentFile }, local), ['A=1', 'B=\uFEFF']);
  assert.deepEqual(environmentOf({ env }, local), ['C=2', 'PATH=/bin']);
  assert.throws(() => environmentOf({ env, environmentFile: -27 }, local), /memfd_create.*EFBIG/);
});
