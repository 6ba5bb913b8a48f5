/** Every field of config.json has a test, the test exists and speaks of the field, and the document says so. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COVERED, coverageOf } from './coverage.ts';
import { conformanceDocument } from './document.ts';
import { configFields } from './fields.ts';
import { hasTitle, textOf } from './titles.ts';

const fields = configFields();

test('every field has a test', () => {
  assert.ok(fields.length > 150);
  assert.deepEqual(
    fields.filter(({ path }) => (coverageOf(path)?.tests.length ?? 0) === 0).map(({ path }) => path),
    [],
  );
});

test('nothing is covered that is no field', () => {
  const known = new Set(fields.map(({ path }) => path));
  assert.deepEqual(
    Object.keys(COVERED).filter((path) => !known.has(path)),
    [],
  );
});

test('the tests are there', () => {
  const named = fields.flatMap(({ path }) => coverageOf(path)?.tests ?? []);
  const missing = named.filter(({ file, title }) => !hasTitle(textOf(file), title));
  assert.deepEqual([...new Set(missing.map(({ file, title }) => `${file}: ${title}`))], []);
});

test('a test speaks of the field, and of each value that it may have', () => {
  const silent = fields.flatMap(({ path, values }) => {
    const coverage = coverageOf(path);
    if (coverage?.kind !== 'tests') return [];
    const texts = coverage.tests.map(({ file }) => textOf(file)).join('\n');
    const name = /(\w+)\W*$/.exec(path)?.[1] ?? path;
    const unsaid = values.filter((value) => !speaksOf(texts, value));
    return [...(speaksOf(texts, name) ? [] : [path]), ...unsaid.map((value) => `${path}: ${value}`)];
  });
  assert.deepEqual(silent, []);
});

test('titles are found as they are written', () => {
  const text = [`test('a', () => {}); suite("it's b", x); it(\`refuse \${entry}\`, {`, "test('it\\'s')"].join('\n');
  for (const title of ['a', "it's b", 'refuse linux.x', "it's"]) assert.ok(hasTitle(text, title), title);
  for (const title of ['b', 'accept linux.x', 'refuse ']) assert.ok(!hasTitle(text, title), title);
});

test('docs/conformance.md says so', () => {
  const text = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8');
  assert.equal(text, conformanceDocument(), 'it has changed: run `npm run conformance`');
});

/** Looks for the whole word: `process` does not say `ro`. */
function speaksOf(text: string, word: string): boolean {
  return new RegExp(`(?<!\\w)${RegExp.escape(word)}(?!\\w)`).test(text);
}
