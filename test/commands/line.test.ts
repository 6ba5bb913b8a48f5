import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type FlagShape, logFormat, looseValue, readLine, rootless, splitLine } from '../../commands/line.ts';

const FLAGS: Record<string, FlagShape> = {
  bundle: { type: 'option', char: 'b' },
  root: { type: 'option' },
  detach: { type: 'boolean', char: 'd' },
  debug: { type: 'boolean' },
};

describe('splitLine', () => {
  const globals = new Set(['root', 'log']);
  const cases: [string[], string | undefined, string[], string[]][] = [
    [['state', 'c1'], 'state', [], ['c1']],
    [['--root', 'state', 'run', 'c1'], 'run', ['--root', 'state'], ['c1']],
    [['--root=/x', '-log', 'f', '--debug', 'run', '-d'], 'run', ['--root=/x', '-log', 'f', '--debug'], ['-d']],
    [['--', 'list'], 'list', [], []],
    [['--version'], undefined, ['--version'], []],
    [['--root'], undefined, ['--root'], []],
    [[], undefined, [], []],
  ];
  for (const [argv, command, before, after] of cases)
    it(`finds ${command} in ${JSON.stringify(argv)}`, () => {
      assert.deepEqual(splitLine(argv, globals), { command, before, after });
    });
});

describe('readLine', () => {
  const cases: [string[], string[]][] = [
    [['c1'], ['--', 'c1']],
    [
      ['-b', '/x', 'c1', '--debug'],
      ['--bundle=/x', '--debug', '--', 'c1'],
    ],
    [
      ['-bundle', '/x', '-detach'],
      ['--bundle=/x', '--detach', '--'],
    ],
    [['--bundle=a=b'], ['--bundle=a=b', '--']],
    [['--bundle='], ['--bundle=', '--']],
    [
      ['--bundle', '-d'],
      ['--bundle=-d', '--'],
    ],
    [
      ['--detach=true', '--debug=0'],
      ['--detach', '--'],
    ],
    [['--detach', '--detach=false'], ['--']],
    [
      ['--root=a', '--root', 'b'],
      ['--root=b', '--'],
    ],
    [
      ['--', '--root', '-d'],
      ['--', '--root', '-d'],
    ],
    [
      ['c1', '-9'],
      ['--', 'c1', '-9'],
    ],
    [['-'], ['--', '-']],
  ];
  for (const [argv, expected] of cases)
    it(`reads ${JSON.stringify(argv)}`, () => assert.deepEqual(readLine(argv, FLAGS).argv, expected));

  const refused: [string[], string][] = [
    [['--nope'], 'flag provided but not defined: --nope'],
    [['-x=1'], 'flag provided but not defined: -x'],
    [['--constructor'], 'flag provided but not defined: --constructor'],
    [['--bundle'], 'flag needs an argument: --bundle'],
    [['-b'], 'flag needs an argument: -b'],
    [['--detach=maybe'], 'invalid boolean value "maybe" for -detach: parse error'],
  ];
  for (const [argv, message] of refused)
    it(`refuses ${JSON.stringify(argv)}`, () => {
      assert.throws(() => readLine(argv, FLAGS), { name: 'UsageError', message });
    });

  it('keeps every word after --, and reads its own output the same way again', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), fc.string(), (words, bundle) => {
        const read = readLine(['-b', bundle, '-d', '--', ...words], FLAGS);
        assert.deepEqual(read.words, words);
        assert.deepEqual(readLine(read.argv, FLAGS), read);
      }),
    );
  });
});

describe('looseValue', () => {
  it('finds a flag in a line that is wrong elsewhere', () => {
    assert.equal(looseValue(['--nope', '--log', '/l', 'x'], 'log'), '/l');
    assert.equal(looseValue(['run', '-log=/l'], 'log'), '/l');
    assert.equal(looseValue(['run'], 'log'), undefined);
  });
});

describe('the values of global flags', () => {
  it('are those of runc', () => {
    assert.deepEqual([undefined, '', 'text', 'json'].map(logFormat), ['text', 'text', 'text', 'json']);
    assert.throws(() => logFormat('xml'), { message: 'invalid log-format: xml' });
    assert.deepEqual([undefined, 'auto', 'AUTO', 'true', 'False'].map(rootless), [
      undefined,
      undefined,
      undefined,
      true,
      false,
    ]);
    assert.throws(() => rootless('maybe'), { name: 'UsageError' });
  });
});
