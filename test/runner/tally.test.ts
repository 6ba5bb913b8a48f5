import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leftovers } from '../integration/leftovers.ts';
import type { Report } from './reporter.ts';
import { counter, emptyTally, skip, summary } from './tally.ts';

type End = Partial<Extract<Report, { kind: 'end' }>>;

const file = '/repo/test/x.test.ts';
const start = (name: string, nesting: number): Report => ({ kind: 'start', name, nesting, file });
const end = (name: string, nesting: number, more: End = {}): Report => {
  return { kind: 'end', name, nesting, file, line: 3, suite: false, ms: 1, ...more };
};

function lastLine(reports: readonly Report[]): string {
  return summaryOf(reports).at(-1) ?? '';
}

function summaryOf(reports: readonly Report[]): string[] {
  const tally = emptyTally();
  const count = counter(tally, '/repo');
  for (const report of reports) count(report);
  return summary(tally);
}

describe('the tally', () => {
  it('counts tests, not suites', () => {
    const reports = [
      start('suite', 0),
      start('a', 1),
      end('a', 1),
      start('b', 1),
      end('b', 1),
      end('suite', 0, { suite: true }),
    ];
    assert.equal(lastLine(reports), '2 passed, 0 failed, 0 skipped');
  });

  it('counts a failure once, with the names of the suites around it', () => {
    const reports = [
      start('suite', 0),
      start('outer', 1),
      start('inner', 2),
      end('inner', 2, { failure: 'broke' }),
      end('outer', 1, { failure: '1 subtest failed' }),
      end('suite', 0, { suite: true, failure: '1 subtest failed' }),
    ];
    const lines = summaryOf(reports);
    assert.equal(lines.at(-1), '0 passed, 1 failed, 0 skipped');
    assert.ok(lines.includes('FAILED test/x.test.ts:3 > suite > outer > inner'));
    assert.ok(lines.includes('  broke'));
  });

  it('counts a suite that fails by itself', () => {
    const reports = [start('suite', 0), end('suite', 0, { suite: true, failure: 'before hook' })];
    assert.equal(lastLine(reports), '0 passed, 1 failed, 0 skipped');
  });

  it('does not lay the failures of one suite on the next', () => {
    const reports = [
      start('one', 0),
      end('a', 1, { failure: 'x' }),
      end('one', 0, { suite: true, failure: 'x' }),
      start('two', 0),
      end('two', 0, { suite: true, failure: 'after hook' }),
    ];
    assert.equal(lastLine(reports), '0 passed, 2 failed, 0 skipped');
  });

  it('groups skips by reason', () => {
    const lines = summaryOf([
      end('a', 0, { skipped: 'no runc' }),
      end('b', 0, { skipped: 'no runc' }),
      end('whole', 0, { suite: true, skipped: '' }),
    ]);
    assert.equal(lines.at(-1), '0 passed, 0 failed, 3 skipped');
    assert.ok(lines.includes('  no runc: test/x.test.ts:3 > a; test/x.test.ts:3 > b'));
    assert.ok(lines.includes('  no reason given: test/x.test.ts:3 > whole'));
  });

  it('names three of many', () => {
    const tally = emptyTally();
    for (const name of ['a', 'b', 'c', 'd', 'e']) skip(tally, name, 'not root');
    assert.ok(summary(tally).includes('  not root: a; b; c; and 2 more'));
  });

  it('shows what the file of a failed test printed', () => {
    const lines = summaryOf([{ kind: 'output', file, text: 'hello\n' }, end('a', 0, { failure: 'broke' })]);
    assert.match(lines.join('\n'), /FAILED .* > a\n {2}broke\n {2}--- printed:\n {2}hello/);
  });
});

describe('leftovers', () => {
  const of = (before: string[], after: string[], pids: string[] = []) =>
    leftovers(new Set(before), new Set(after), new Set(pids));

  it('are what was not there before', () => {
    assert.deepEqual(of(['mount /a'], ['mount /a', 'cgroup /b']), ['cgroup /b']);
    assert.deepEqual(of(['mount /a'], []), []);
  });

  it('are not what another run made', () => {
    const after = ['cgroup /runchart-test-12-a', 'cgroup /runchart-test-13-b', 'cgroup /runchart-test-c'];
    assert.deepEqual(of([], after, ['12']), ['cgroup /runchart-test-12-a', 'cgroup /runchart-test-c']);
  });
});
