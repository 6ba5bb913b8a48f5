import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { duration } from '../../commands/duration.ts';
import { askedResources } from '../../commands/limits.ts';
import { readLine } from '../../commands/line.ts';

describe('limits of the command line', () => {
  it('are read as runc reads them', () => {
    for (const [text, limit] of [
      ['-1', -1],
      ['100', 100],
      ['64k', 65536],
      ['1.5G', 1.5 * 2 ** 30],
      ['2 MiB', 2 << 20],
      ['3kb', 3072],
      ['8000p', 8000n << 50n],
    ] as const)
      assert.deepEqual(askedResources({ memory: text }), { memory: { limit }, cpu: {} });
    assert.deepEqual(askedResources({ 'cpu-share': '18446744073709551615' }).cpu, { shares: 2n ** 64n - 1n });
    assert.deepEqual(askedResources({ 'pids-limit': 0, 'blkio-weight': 0 }), {
      memory: {},
      cpu: {},
      pids: { limit: 0 },
    });
    for (const text of ['x', '5x', '-2', '1e3', '9999p', ''])
      if (text === '') assert.deepEqual(askedResources({ memory: text }).memory, {});
      else
        assert.throws(() => askedResources({ memory: text }), {
          message: `invalid value for memory: invalid size: '${text}'`,
        });
  });
});

describe('durations', () => {
  it('are read as Go reads them', () => {
    for (const [text, milliseconds] of [
      ['5s', 5000],
      ['1m30.5s', 90_500],
      ['.5h', 1_800_000],
      ['-2ms', -2],
      ['0', 0],
    ] as const)
      assert.equal(duration(text, 'x'), milliseconds);
    for (const text of ['', '5', 's', '5 s', '1.2.3s', '5d'])
      assert.throws(() => duration(text, 'x'), {
        message: `invalid value ${JSON.stringify(text)} for flag -x: parse error`,
      });
  });
});

describe('a line whose end is for another program', () => {
  const flags = {
    env: { type: 'option', char: 'e', multiple: true },
    nnp: { type: 'boolean', allowNo: true },
  } as const;
  it('keeps all values of a flag, and takes none behind the own words', () => {
    assert.deepEqual(readLine(['-e', 'A=1', '-e=B=2', '-nnp=false', 'c1', 'cmd', '-e', 'x', '--', '--y'], flags, 1), {
      argv: ['--env=A=1', '--env=B=2', '--no-nnp', '--', 'c1', 'cmd', '-e', 'x', '--', '--y'],
      words: ['c1', 'cmd', '-e', 'x', '--', '--y'],
    });
    assert.deepEqual(readLine(['c1', '--', '--', 'x'], flags, 1).words, ['c1', '--', 'x']);
    assert.deepEqual(readLine(['--', 'c1', '-e'], flags, 1).words, ['c1', '-e']);
  });
});
