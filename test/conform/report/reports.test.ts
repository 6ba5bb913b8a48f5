import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Conformance } from '../../../conform/conform.ts';
import { jsonReport } from '../../../conform/report/json.ts';
import { tapReport } from '../../../conform/report/tap.ts';
import { textReport } from '../../../conform/report/text.ts';
import type { Deviation } from '../../../conform/rules/findings.ts';
import { RULES, type RuleName } from '../../../conform/rules/rules.ts';

const DEVIATIONS: readonly Deviation[] = [
  {
    rule: 'startRefused',
    about: 'start of a running container',
    expected: 'an error',
    seen: 'exit status 0',
    steps: [{ ask: 'create', bundle: 'plain' }, { ask: 'start' }, { ask: 'start' }],
  },
  {
    rule: 'oneAfterTheOther',
    about: 'create at once with delete # of "x"',
    expected: 'success',
    seen: 'a \\ crash\nof two lines',
    steps: [{ atOnce: [{ ask: 'create', bundle: 'hooks' }, { ask: 'delete' }] }, { happens: 'exits' }],
  },
];

const result = (deviations: readonly Deviation[] = DEVIATIONS): Conformance => ({
  program: '/usr/bin/runtime',
  version: 'runtime 1.2.3',
  profile: 'spec',
  seed: 42,
  cgroups: 'v2',
  sequences: { chart: 128, random: 30 },
  steps: 500,
  seconds: 12.4,
  transitions: {
    taken: ['absent create → creating'],
    all: ['absent create → creating', 'absent restore → restoring', 'x pause → y'],
  },
  checked: new Map<RuleName, number>([
    ['startRefused', 7],
    ['create', 1],
  ]),
  deviations,
});

describe('the report for people', () => {
  it('shows each deviation with its sentence and its commands', () => {
    const lines = textReport(result()).split('\n');
    assert.equal(lines[0], "/usr/bin/runtime (runtime 1.2.3) against the specification's words");
    assert.ok(
      lines.includes('  128 sequences from the chart, 30 by chance (seed 42): 500 steps in 12 s, with cgroup v2'),
    );
    assert.ok(lines.includes('  1 of 3 transitions of the chart; 2 rules, checked 8 times'));
    assert.ok(lines.includes('    1 other: it needs CRIU'));
    const at = lines.indexOf('1. start is refused unless the container is created: start of a running container');
    assert.deepEqual(lines.slice(at + 1, at + 8), [
      '   expected: an error',
      '   seen: exit status 0',
      `   runtime.md, Start: "${RULES.startRefused.sentence}"`,
      '     $R create --bundle $B/plain c1',
      '     $R start c1',
      '     $R start c1',
      '     $R state c1',
    ]);
    assert.ok(lines.includes('     $R create --bundle $B/hooks c1 & $R delete c1 & wait'));
    assert.ok(lines.includes('     echo > $B/conform/end'));
    assert.ok(lines.some((line) => line.includes('--bundles conform-bundles')));
  });

  it('says so if there is none', () => assert.match(textReport(result([])), /\n\nNo deviation\.\n$/));
});

describe('the report for programs', () => {
  it('has all that the other has', () => {
    const { deviations, rules, ...rest } = JSON.parse(jsonReport(result()));
    assert.deepEqual(rest.runtime, { program: '/usr/bin/runtime', version: 'runtime 1.2.3' });
    assert.deepEqual([rest.profile, rest.seed, rest.cgroups, rest.steps, rest.seconds], ['spec', 42, 'v2', 500, 12]);
    assert.deepEqual(rules[0], { name: 'startRefused', ...RULES.startRefused, checked: 7 });
    assert.deepEqual(deviations[0].steps, DEVIATIONS[0]?.steps);
    assert.deepEqual(deviations[0].commands.at(-1), '$R state c1');
    assert.equal(rest.transitions.notTaken[0].names[0], 'absent restore → restoring');
  });
});

describe('the report in TAP', () => {
  const lines = tapReport(result()).split('\n');
  const points = lines.filter((line) => /^(not )?ok /.test(line));

  it('has as many points as its plan, numbered from 1', () => {
    assert.deepEqual(lines.slice(0, 2), ['TAP version 14', `1..${points.length}`]);
    assert.deepEqual(
      points.map((line) => Number(/^(?:not )?ok (\d+) - /.exec(line)?.[1])),
      points.map((_, index) => index + 1),
    );
  });

  it('says what was never checked, and what is wrong', () => {
    assert.equal(points.filter((line) => line.startsWith('not ok')).length, DEVIATIONS.length);
    assert.ok(points.some((line) => line.endsWith(' - create makes a container')));
    assert.ok(points.some((line) => line.endsWith(' - kill sends the signal # SKIP never came up')));
    // Only the profile of runc has it.
    assert.ok(!points.some((line) => line.includes('list shows')));
  });

  it('keeps words from being taken for marks', () => {
    const at = lines.findIndex((line) => line.includes('create at once with delete'));
    assert.match(lines[at] ?? '', /delete \\# of "x"$/);
    const end = lines.indexOf('  ...', at);
    assert.equal(lines[at + 1], '  ---');
    assert.ok(lines.slice(at + 1, end).every((line) => line.startsWith('  ')));
    assert.ok(lines.includes('  seen: "a \\\\ crash\\nof two lines"'));
  });
});
