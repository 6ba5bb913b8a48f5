import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { integerFor } from '../../commands/integer.ts';

describe('integer flags', () => {
  const parse = integerFor('n');
  for (const [text, value] of [
    ['0', 0],
    ['12', 12],
    ['-1', -1],
    ['+7', 7],
    ['0x1F', 31],
    ['-0b101', -5],
    ['0o17', 15],
    ['017', 15],
    ['1_000', 1000],
  ] as const)
    it(`${text} is ${value}`, async () => assert.equal(await parse(text), value));

  for (const text of ['', 'x', '1.5', '08', '1__0', '_1', '0x', '1e3', ' 1', '--1'])
    it(`${JSON.stringify(text)} is none`, () =>
      assert.rejects(parse(text), /^UsageError: invalid value .* for flag -n: parse error$/));

  it('has bounds', async () => {
    await assert.rejects(parse('99999999999999999999'), /for flag -n: value out of range$/);
    await assert.rejects(integerFor('n', 0)('-1'), /invalid value "-1" for flag -n: must be at least 0$/);
  });
});
