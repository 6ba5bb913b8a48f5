/** What a rare command needs is a file of its own, so the others load no more than without that command. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

const root = join(import.meta.dirname, '../..');
const bun = join(root, 'node_modules/.bin/bun');

/** A text of fast-check's. */
const FAST_CHECK = 'Property failed after';

describe('what is bundled apart', () => {
  let folder: string;
  let scripts: ReadonlyMap<string, string>;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
    const main = '../../../commands/main.ts';
    execFileSync(bun, [join(import.meta.dirname, 'sample/bundle.ts'), main, join(folder, 'main.js')]);
    const names = readdirSync(folder).filter((name) => name.endsWith('.js'));
    scripts = new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is in files that import none of the others, and that are imported only when they are needed', () => {
    // The engine that stays has all commands, and so a copy of this one.
    const found = [...scripts].filter(([, script]) => script.includes(FAST_CHECK));
    assert.equal(found.length, 2);
    for (const [name, script] of found) {
      assert.doesNotMatch(script, /(?:from|import)\s*"\.\/chunk/);
      const importers = [...scripts].filter(([, other]) => other.includes(name));
      assert.equal(importers.length, 1);
      for (const [, importer] of importers) {
        assert.ok(importer.includes(`import("./${name}")`));
        assert.ok(!importer.includes(`from"./${name}"`));
      }
    }
  });
});
