import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyFromList, transition } from '../../../../effects/cgroups/devices/legacy.ts';
import {
  ALLOW_ALL,
  DENY_ALL,
  type DevicePolicy,
  matchKey,
  policyOf,
} from '../../../../effects/cgroups/devices/policy.ts';
import { deviceProgram, encodeProgram } from '../../../../effects/cgroups/devices/program.ts';
import {
  ACCESS,
  ANY,
  accessLetters,
  accessOf,
  containerRules,
  type Match,
  type Rule,
} from '../../../../effects/cgroups/devices/rules.ts';
import { allows } from './allows.ts';
import { interpret } from './interpreter.ts';

// Few numbers, so that several rules are about the same device.
const number = fc.constantFrom(0, 1, 5, 136, 0xffff_ffff);
const type = fc.constantFrom('b' as const, 'c' as const);
const access = fc.integer({ min: 1, max: 7 });
const asked: fc.Arbitrary<Match> = fc.record({ type, major: number, minor: number, access });
const match: fc.Arbitrary<Match> = fc.record({
  type,
  major: fc.oneof(number, fc.constant(ANY)),
  minor: fc.oneof(number, fc.constant(ANY)),
  access,
});
const rule: fc.Arbitrary<Rule> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ allow: fc.boolean() }).chain(({ allow }) => match.map((m) => ({ allow, ...m }))),
  },
  { weight: 1, arbitrary: fc.boolean().map((allow) => ({ allow, type: 'a' as const })) },
);
/** The policy of some rules, without those that are refused. */
const policy = fc.array(rule, { maxLength: 12 }).map((rules): DevicePolicy => {
  let current = DENY_ALL;
  for (const one of rules) {
    try {
      current = policyOf([one], current);
    } catch {
      // The rule is a hole in a wildcard, and is refused rightly.
    }
  }
  return current;
});

test('the program answers as the policy does', () => {
  fc.assert(
    fc.property(policy, fc.array(asked, { minLength: 1, maxLength: 20 }), (rules, requests) => {
      const program = encodeProgram(deviceProgram(rules));
      for (const one of requests) assert.equal(interpret(program, one) === 1, allows(rules, one));
    }),
    { numRuns: 500 },
  );
});

test('without wildcards, the last rule about an access decides', () => {
  const concrete = fc.record({ allow: fc.boolean(), type, major: number, minor: number, access });
  fc.assert(
    fc.property(fc.array(concrete, { maxLength: 10 }), asked, (rules, one) => {
      const bits = [ACCESS.MKNOD, ACCESS.READ, ACCESS.WRITE].filter((bit) => one.access & bit);
      const expected = bits.every((bit) => {
        const about = rules.findLast(
          (r) => r.type === one.type && r.major === one.major && r.minor === one.minor && r.access & bit,
        );
        return about?.allow ?? false;
      });
      assert.equal(allows(policyOf(rules), one), expected);
    }),
  );
});

/** The kernel's v1 controller: what writes to devices.allow and devices.deny do. */
function kernelV1(start: DevicePolicy, writes: readonly { file: string; value: string }[]): DevicePolicy {
  let { defaultAllow } = start;
  let exceptions = [...start.exceptions];
  for (const { file, value } of writes) {
    const allow = file === 'devices.allow';
    const [, kind, major, minor, letters = ''] = /^([abc]) (\S+):(\S+) ([rwm]+)$/.exec(value) ?? [];
    if (kind === 'a') {
      defaultAllow = allow;
      exceptions = [];
      continue;
    }
    const same = (e: Match) =>
      e.type === kind && String(e.major) === major?.replace('*', '-1') && String(e.minor) === minor?.replace('*', '-1');
    const bits = accessOf(letters) ?? 0;
    if (allow !== defaultAllow) {
      const found = exceptions.find(same);
      if (found) exceptions = exceptions.map((e) => (same(e) ? { ...e, access: e.access | bits } : e));
      else {
        const numberOf = (text = '') => (text === '*' ? ANY : Number(text));
        exceptions.push({
          type: kind === 'b' ? 'b' : 'c',
          major: numberOf(major),
          minor: numberOf(minor),
          access: bits,
        });
      }
    } else
      exceptions = exceptions
        .map((e) => (same(e) ? { ...e, access: e.access & ~bits } : e))
        .filter((e) => e.access !== 0);
  }
  return policyOf(
    exceptions.map((e) => ({ allow: !defaultAllow, ...e })),
    { defaultAllow, exceptions: [] },
  );
}

test('a transition leads to its target, and what both policies allow is allowed all the time', () => {
  fc.assert(
    fc.property(policy, policy, (from, to) => {
      const steps = transition(from, to);
      assert.deepEqual(kernelV1(from, steps), to);
      if (from.defaultAllow || to.defaultAllow) return;
      for (const e of from.exceptions)
        for (const f of to.exceptions) {
          const shared = e.access & f.access;
          if (matchKey(e) !== matchKey(f) || shared === 0) continue;
          for (let n = 0; n <= steps.length; n++) {
            const now = kernelV1(from, steps.slice(0, n)).exceptions.find((one) => matchKey(one) === matchKey(e));
            assert.equal((now?.access ?? 0) & shared, shared);
          }
        }
    }),
    { numRuns: 300 },
  );
});

test('devices.list is read as the policy that was written', () => {
  const list = 'c *:* m\nb *:* m\nc 1:3 rwm\nc 136:* rwm\n';
  assert.deepEqual(transition(policyFromList(list), policyFromList(list)), []);
  assert.deepEqual(policyFromList('a *:* rwm\n'), ALLOW_ALL);
  assert.throws(() => policyFromList('x 1:3 r\n'), /malformed line in devices.list: "x 1:3 r"/);
});

test('a hole in a wildcard is refused', () => {
  const rules = containerRules([
    { allow: true, type: 'c', access: 'rwm' },
    { allow: false, type: 'c', major: 1, minor: 3, access: 'w' },
  ]);
  assert.throws(() => policyOf(rules), /device rule c 1:3 w cannot punch a hole in the wildcard rule c \*:\* rwm/);
});

test('the rules of config.json', () => {
  assert.deepEqual(containerRules([{ allow: false, access: 'rwm' }])[0], { allow: false, type: 'a' });
  assert.deepEqual(containerRules([{ allow: true, type: 'c', major: 10, access: 'rw' }])[0], {
    allow: true,
    type: 'c',
    major: 10,
    minor: ANY,
    access: ACCESS.READ | ACCESS.WRITE,
  });
  assert.throws(
    () => containerRules([{ allow: true }]),
    /linux\.resources\.devices\[0\]: device access at 0 field cannot be empty/,
  );
  assert.throws(() => containerRules([{ allow: true, type: 'p', access: 'r' }]), /invalid cgroup device type "p"/);
  assert.throws(() => containerRules([{ allow: true, type: 'c', access: 'x' }]), /invalid device permissions "x"/);
  assert.throws(() => containerRules([{ allow: true, type: 'c', major: -2, access: 'r' }]), /invalid major -2/);
});

test('unknown letters of a rule are left out, as with runc', () => {
  const access = (letters: string, type = 'c') => {
    const [rule] = containerRules([{ allow: true, type, major: 1, minor: 11, access: letters }]);
    return rule?.type === 'a' ? 'all' : accessLetters(rule?.access ?? 0);
  };
  assert.deepEqual(
    ['rwa', 'rrww', 'm r', 'wR'].map((letters) => access(letters)),
    ['rw', 'rw', 'rm', 'w'],
  );
  assert.equal(access('x', 'a'), 'all');
});

test('the default rules allow the usual devices', () => {
  const defaults = policyOf(containerRules([{ allow: false, access: 'rwm' }]));
  const may = (kind: 'b' | 'c', major: number, minor: number, letters: string) =>
    allows(defaults, { type: kind, major, minor, access: accessOf(letters) });
  assert.ok(may('c', 1, 3, 'rw') && may('c', 136, 7, 'rw') && may('c', 10, 200, 'rw') && may('b', 8, 0, 'm'));
  assert.ok(!may('b', 8, 0, 'r') && !may('c', 1, 1, 'r') && !may('c', 10, 229, 'w'));
});
