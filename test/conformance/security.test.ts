/** Each test named in docs/security.md exists, and no CVE that a test names is missing there. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasTitle, textOf } from './titles.ts';

const tests = join(import.meta.dirname, '..');
const text = readFileSync(join(tests, '../docs/security.md'), 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| CVE-'))
  .map((line) => line.slice(2, -2).split(' | '));

const CVE = /CVE-\d{4}-\d+/g;

/** The CVEs that must have a row: those of runc and crun that concern a runtime. */
const KNOWN = [
  ...['2016-9962', '2019-5736', '2019-16884', '2019-18837', '2019-19921', '2021-30465', '2021-43784', '2022-24769'],
  ...['2022-27650', '2022-29162', '2023-25809', '2023-27561', '2023-28642', '2024-21626', '2024-45310', '2025-24965'],
  ...['2025-31133', '2025-52565', '2025-52881', '2026-30892', '2026-41579', '2026-47766'],
].map((number) => `CVE-${number}`);

test('each CVE has a test that is there', () => {
  for (const [cves = '', , defence = '', links = ''] of rows) {
    assert.ok(defence.length > 10, cves);
    const named = links.split('<br>').map((link) => /^\[[\w-]+\]\(\.\.\/test\/([^)]+)\): (.+)$/.exec(link));
    assert.ok(named.length > 0);
    for (const match of named) {
      const [, file = '', title = ''] = match ?? [];
      assert.ok(hasTitle(textOf(file), title), `${cves}: ${file} has ${JSON.stringify(title)}`);
    }
  }
});

test('the known ones are all there', () => {
  const told = new Set(text.match(CVE));
  assert.deepEqual(
    KNOWN.filter((cve) => !told.has(cve)),
    [],
  );
});

test('what tests and sources name is there too', () => {
  const told = new Set(text.match(CVE));
  const files = ['test', 'effects', 'native', 'runtime', 'commands'].flatMap((folder) =>
    globSync(join(tests, '..', folder, '**/*.{ts,c}')),
  );
  const named = files.flatMap((file) => readFileSync(file, 'utf8').match(CVE) ?? []);
  assert.ok(named.length > 10);
  assert.deepEqual(
    [...new Set(named)].filter((cve) => !told.has(cve)),
    [],
  );
});
