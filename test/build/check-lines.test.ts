import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { longLines } from '../../build/check-lines.ts';

/** `width` columns of short words. */
const words = (width: number): string =>
  'word '
    .repeat(Math.ceil(width / 5))
    .slice(0, width - 1)
    .concat('.');

describe('the rule for lines', () => {
  it('lets a line have 120 columns', () => assert.deepEqual(longLines('a/b.ts', `${words(120)}\n`), []));

  it('refuses 121, and names the line', () =>
    assert.deepEqual(longLines('a/b.ts', `short\n${words(121)}\n`), [
      'a/b.ts:2: the line has 121 columns, more than 120',
    ]));

  it('counts characters, not bytes', () => assert.deepEqual(longLines('a/b.ts', 'é é '.repeat(30)), []));

  it('lets a row of a table be as long as it is, in Markdown alone', () => {
    const row = `| ${words(150)} | ${words(10)} |`;
    assert.deepEqual(longLines('docs/a.md', row), []);
    assert.equal(longLines('a/b.ts', row).length, 1);
  });

  it('lets an address be longer than a line, since nothing can break it', () => {
    const address = `https://example.org/${'a'.repeat(110)}`;
    assert.deepEqual(longLines('docs/a.md', `See [the page](${address}).`), []);
    assert.deepEqual(longLines('a/b.ts', `// ${address}`), []);
  });

  it('lets the title of a test be longer than a line', () => {
    assert.deepEqual(longLines('a/b.test.ts', `  it('${words(130)}', () => {`), []);
    assert.equal(longLines('a/b.ts', `  it('${words(130)}', () => {`).length, 1);
  });

  it('lets a regular expression be longer than a line, but not a comment or a path', () => {
    assert.deepEqual(longLines('a/b.ts', `  /${words(130)}/,`), []);
    assert.equal(longLines('a/b.ts', `  /** ${words(130)} */`).length, 1);
    assert.equal(longLines('a/b.ts', `  // ${words(130)} /`).length, 1);
    assert.equal(longLines('a/b.sh', `/bin/echo ${words(130)} /`).length, 1);
  });
});
