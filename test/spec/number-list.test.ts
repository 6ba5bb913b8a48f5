import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maskOf } from '../../spec/number-list.ts';

const numbersOf = (mask: Uint8Array): number[] =>
  [...mask].flatMap((byte, i) => [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => i * 8 + bit));

test('a mask holds the numbers of the list and no other', () => {
  const range = fc.tuple(fc.nat(300), fc.nat(20)).map(([first, more]) => [first, first + more] as const);
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), fc.constantFrom(',', ', ', ',,'), (ranges, comma) => {
      const text = ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(comma);
      const all = ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
      assert.deepEqual(
        numbersOf(maskOf(text)),
        [...new Set(all)].toSorted((a, b) => a - b),
      );
      assert.equal(maskOf(text).length % 8, 0);
    }),
  );
});

test('an empty text has none; what is no list is refused', () => {
  assert.deepEqual(maskOf(''), new Uint8Array(0));
  assert.deepEqual(numbersOf(maskOf('65536')), [65_536]);
  for (const [list, message] of [
    [',', 'no members found in set ","'],
    ['2-1', 'invalid range: 2-1'],
    ['-1', 'parsing "": invalid syntax'],
    ['1-2-3', 'parsing "2-3": invalid syntax'],
    ['65537', 'values larger than 65536 are not supported'],
  ] as const)
    assert.throws(() => maskOf(list), { name: 'RangeError', message });
});
