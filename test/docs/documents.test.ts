/** The documents agree with what is there: links lead somewhere, and every script of package.json is explained. */

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '../..');
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root });
/** As many lines as a reader sees of a page before they scroll. */
const FIRST_SCREEN = 25;

describe('the documents', () => {
  for (const file of documents)
    it(`${file}: its links lead to what is there`, () => {
      const links = [...textOf(file).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
      const local = links.filter((target) => !/^[a-z]+:/.test(target));
      assert.deepEqual(
        local.filter((target) => !existsSync(join(root, dirname(file), target))),
        [],
      );
    });

  it('README names the two commands that matter, and shows the picture, on its first screen', () => {
    const screen = textOf('README.md').split('\n').slice(0, FIRST_SCREEN).join('\n');
    for (const needed of ['npm run quickstart', 'npm test', '](docs/lifecycle.svg)'])
      assert.ok(screen.includes(needed), needed);
  });

  it('docs/README.md leads to every page', () => {
    const index = textOf('docs/README.md');
    const pages = documents.filter((file) => file.startsWith('docs/') && file !== 'docs/README.md');
    assert.deepEqual(
      pages.filter((file) => !index.includes(`](${file.replace('docs/', '')})`)),
      [],
    );
  });

  it('CONTRIBUTING.md explains every script of package.json', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(textOf('package.json'));
    const rows = textOf('CONTRIBUTING.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .join('\n');
    const calls = Object.keys(scripts).map((name) => (name === 'test' ? 'npm test' : `npm run ${name}`));
    assert.deepEqual(
      calls.filter((call) => !new RegExp(`\`${call}[\` ]`).test(rows)),
      [],
    );
  });
});
