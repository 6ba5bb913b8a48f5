import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeOfJsonError } from '../../spec/json-place.ts';
import { nearest } from '../../spec/nearest.ts';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('where a text stops being JSON', () => {
  const cases: Readonly<Record<string, readonly [number, number]>> = {
    '': [1, 1],
    '{': [1, 2],
    '{\n  "a": 1,\n}': [3, 1],
    '{"a" 1}': [1, 6],
    '[1, 2,, 3]': [1, 7],
    '[01]': [1, 3],
    '{"a": tru}': [1, 7],
    '"a\nb"': [1, 3],
    '"\\x"': [1, 2],
    '[1] x': [1, 5],
    "{'a': 1}": [1, 2],
    '{"a": 1]': [1, 8],
    '[1}': [1, 3],
  };
  for (const [text, [line, column]] of Object.entries(cases))
    it(JSON.stringify(text), () => assert.deepEqual(placeOfJsonError(text), { line, column }));

  it('is told of exactly those texts that the engine refuses', () => {
    const pieces = ['{', '}', '[', ']', ',', ':', '"a"', '"\\u12', '1', '-', '0.5e3', 'null', ' ', '\n', 'x'];
    for (let seed = 1; seed < 20_000; seed++) {
      let state = seed * 7919;
      let text = '';
      for (let i = 0; i < 1 + (seed % 9); i++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
        text += pieces[(state >> 12) % pieces.length];
      }
      assert.equal(placeOfJsonError(text) === undefined, isJson(text), JSON.stringify(text));
    }
  });

  it('of a deep or a long text takes no recursion', () => {
    assert.deepEqual(placeOfJsonError('['.repeat(200_000)), { line: 1, column: 200_001 });
    assert.equal(placeOfJsonError(`"${'x'.repeat(1 << 20)}"`), undefined);
  });
});

it('the nearest word is suggested where one is near', () => {
  const known = ['--debug', '--detach', '--root', '--log', '--log-format'];
  const near = (word: string) => nearest(word, known);
  assert.deepEqual(
    ['--debgu', '--detatch', '--rooot', '--lgo', '--logformat', '--DEBUG', '--frobnicate', ''].map(near),
    ['--debug', '--detach', '--root', '--log', '--log-format', '--debug', undefined, undefined],
  );
  assert.equal(nearest('x'.repeat(100_000), known), undefined);
});
