import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { buildDate } from '../../build/manual.ts';
import { globals } from '../../commands/globals.ts';
import { text, word } from '../../commands/manual/mdoc.ts';
import { manualPages } from '../../commands/manual/pages.ts';
import { COMMANDS } from '../../commands/table.ts';

const commands = await Promise.all([...COMMANDS.values()].map(async (load) => (await load()).default));
const date = buildDate({ SOURCE_DATE_EPOCH: '86400' });
const pages = manualPages({ commands, globals, date, version: '1.2.3' });
const pageOf = (name: string): string => pages.get(`${name}.8`) ?? '';

const isMissing = (program: string): string | false =>
  spawnSync(program, ['--version']).error === undefined ? false : `${program} is not installed`;

/** What groff shows. It must find nothing to warn of. Its lines are so long that it hyphenates no word. */
function shown(name: string): string {
  const { stdout, stderr } = spawnSync('groff', ['-mandoc', '-ww', '-b', '-Tascii', '-P-cbou', '-rLL=900n'], {
    input: pageOf(name),
    encoding: 'utf8',
  });
  assert.equal(stderr, '', name);
  return stdout.replace(/\s+/g, ' ');
}

describe('the manual', () => {
  it('has a page for the whole, and one for each command', () => {
    assert.deepEqual([...pages.keys()], ['runchart.8', ...[...COMMANDS.keys()].map((id) => `runchart-${id}.8`)]);
  });

  it('is of the day that is asked for', () => assert.match(pageOf('runchart'), /^\.Dd January 2, 1970$/m));

  it('is taken as it is by man', { skip: isMissing('man') }, () => {
    for (const [name, input] of pages) {
      const { status, stderr } = spawnSync('man', ['--warnings', '-l', '-'], { input, encoding: 'utf8' });
      assert.deepEqual([status, stderr], [0, ''], name);
    }
  });

  it('is taken as it is by mandoc', { skip: isMissing('mandoc') }, () => {
    for (const [name, input] of pages)
      assert.equal(spawnSync('mandoc', ['-Tlint', '-Wwarning'], { input, encoding: 'utf8' }).stdout, '', name);
  });

  const skip = isMissing('groff');
  const whole = skip === false ? shown('runchart') : '';
  for (const { id, summary, description, examples, flags, args } of commands)
    it(`shows all that ${id} says of itself`, { skip }, () => {
      const plain = (words = '') => words.replaceAll('`', '').replace(/\s+/g, ' ');
      const page = shown(`runchart-${id}`);
      for (const words of [summary, description ?? summary]) assert.ok(page.includes(plain(words)), words ?? id);
      assert.ok(
        whole.includes(`runchart-${id}(8) ${plain(summary ?? '')} `),
        'its summary is on the page of the whole',
      );
      for (const one of examples ?? [])
        if (typeof one !== 'string') assert.ok(page.includes(plain(one.command)), one.command);
      for (const [name, arg] of Object.entries(args))
        assert.ok(page.includes(`${name.toUpperCase()} ${plain(arg.description ?? '')}`), name);
      for (const [name, flag] of Object.entries(flags)) {
        const isGlobal = globals[name as keyof typeof globals] === flag;
        const char = flag.char === undefined ? '' : `-${flag.char}, `;
        const written = new RegExp(` ${char}--${name}[= ]`);
        assert.equal(written.test(isGlobal ? whole : page), flag.hidden !== true, name);
        if (flag.hidden !== true)
          assert.ok((isGlobal ? whole : page).includes(plain(flag.description ?? '')), `${name}: ${flag.description}`);
      }
    });

  it('prints what looks like a request or an escape', { skip }, () => {
    const input = `.Dd today\n.Dt X 8\n.Os\n${text(".it is 'a' \\fB-b ^ ~")}\n.Pp\n.Sy ${word('No "Fl" \\n(xx')}\n`;
    const { stdout } = spawnSync('groff', ['-mandoc', '-Tascii', '-P-cbou'], { input, encoding: 'utf8' });
    assert.match(stdout, /\.it is 'a' \\fB-b \^ ~\s+No "Fl" \\n\(xx/);
  });
});
