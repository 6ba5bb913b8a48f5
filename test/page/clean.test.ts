/** Hostile texts are harmless to read. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clean } from '../../page/clean.ts';

test('what would move, colour or hide text is shown by its name', () => {
  assert.equal(clean('\u001b[31mred\u0007\r\n\tend\u0000'), '⟨ESC⟩[31mred⟨BEL⟩⟨CR⟩⟨LF⟩⟨TAB⟩end⟨NUL⟩');
  assert.equal(clean('exe\u202egpj.cod\u200b'), 'exe⟨U+202E⟩gpj.cod⟨U+200B⟩');
  assert.equal(clean('half \ud800 a pair'), 'half ⟨U+D800⟩ a pair');
  assert.equal(clean('naïve 日本 🙂 <b>&amp;'), 'naïve 日本 🙂 <b>&amp;');
});

test('a long text is cut, and says how long it is', () => {
  const shown = clean('a'.repeat(100_000));
  assert.ok(shown.length < 500);
  assert.match(shown, /a… \(100,000 characters\)$/);
  assert.equal(clean('a'.repeat(50), 50), 'a'.repeat(50));
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/;

test('no control character of any text is left', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.doesNotMatch(clean(text), HIDDEN);
      assert.ok(clean(text).isWellFormed());
    }),
  );
});
