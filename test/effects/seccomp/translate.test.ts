import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { actionValue } from '../../../effects/seccomp/actions.ts';
import { filterSteps } from '../../../effects/seccomp/translate.ts';
import { profile } from './profiles.ts';

test('a profile becomes the steps that build its filter, in order', () => {
  const steps = filterSteps({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X32'],
    syscalls: [
      { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
      {
        names: ['clone'],
        action: 'SCMP_ACT_TRAP',
        args: [{ index: 0, value: 7, valueTwo: 1, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
      { names: ['rmdir'], action: 'SCMP_ACT_ERRNO' },
    ],
  });
  assert.deepEqual(steps, [
    { kind: 'init', defaultAction: 0x50026 },
    { kind: 'architecture', name: 'SCMP_ARCH_X86_64', token: 0xc000003e },
    { kind: 'architecture', name: 'SCMP_ARCH_X32', token: 0x4000003e },
    { kind: 'rule', syscall: 'read', action: 0x7fff0000, comparisons: [] },
    { kind: 'rule', syscall: 'write', action: 0x7fff0000, comparisons: [] },
    { kind: 'rule', syscall: 'clone', action: 0x30000, comparisons: [{ index: 0, operator: 7, a: 7n, b: 1n }] },
    { kind: 'rule', syscall: 'rmdir', action: 0x50001, comparisons: [] },
  ]);
});

test('two comparisons of one argument are alternatives, as with runc', () => {
  const [, ...rules] = filterSteps({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      {
        names: ['socket'],
        action: 'SCMP_ACT_ERRNO',
        args: [
          { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
          { index: 1, value: 2n ** 63n, op: 'SCMP_CMP_GE' },
          { index: 0, value: 16, op: 'SCMP_CMP_EQ' },
        ],
      },
    ],
  });
  assert.deepEqual(
    rules.map((step) => (step.kind === 'rule' ? step.comparisons.map(({ a }) => a) : [])),
    [[1n], [2n ** 63n], [16n]],
  );
});

test('many calls are ordered as a tree', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `call${i}`);
  const kinds = (count: number) =>
    filterSteps({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: names(count), action: 'SCMP_ACT_ALLOW' }] }).map(
      ({ kind }) => kind,
    );
  assert.ok(!kinds(32).includes('optimize'));
  assert.ok(kinds(33).includes('optimize'));
});

test('actions have the values of the kernel, with their errno', () => {
  const cases = [
    ['SCMP_ACT_KILL', undefined, 0],
    ['SCMP_ACT_KILL_THREAD', undefined, 0],
    ['SCMP_ACT_KILL_PROCESS', undefined, 0x80000000],
    ['SCMP_ACT_TRAP', undefined, 0x30000],
    ['SCMP_ACT_ERRNO', undefined, 0x50001],
    ['SCMP_ACT_ERRNO', 0, 0x50000],
    ['SCMP_ACT_ERRNO', 4094, 0x50ffe],
    ['SCMP_ACT_TRACE', undefined, 0x7ff00001],
    ['SCMP_ACT_TRACE', 0xffff, 0x7ff0ffff],
    ['SCMP_ACT_LOG', undefined, 0x7ffc0000],
    ['SCMP_ACT_ALLOW', undefined, 0x7fff0000],
    ['SCMP_ACT_NOTIFY', undefined, 0x7fc00000],
  ] as const;
  for (const [action, errno, value] of cases) assert.equal(actionValue(action, errno, 'default'), value, action);
});

test('what a profile must not say is refused, with its place', () => {
  const rule = { names: ['read'], action: 'SCMP_ACT_ERRNO' as const };
  assert.throws(() => filterSteps({ defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 }), {
    message: 'linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW takes no errno',
  });
  assert.throws(() => filterSteps({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule, { ...rule, errnoRet: 4095 }] }), {
    message: 'linux.seccomp.syscalls[1].errnoRet: 4095 is more than 4094',
  });
  assert.throws(
    () =>
      filterSteps({
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ ...rule, args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }],
      }),
    { message: 'linux.seccomp.syscalls[0].args[0].index: a system call has 6 arguments, not 7' },
  );
  assert.throws(() => filterSteps({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ ...rule, names: [''] }] }), {
    message: 'linux.seccomp.syscalls[0]: an empty string is not a system call',
  });
});

test('no rule equals the default action, and every other call has its rules', () => {
  fc.assert(
    fc.property(profile, (it) => {
      const [init, ...steps] = filterSteps(it);
      assert.ok(init);
      assert.ok(init.kind === 'init');
      const rules = steps.filter((step) => step.kind === 'rule');
      for (const { action } of rules) assert.notEqual(action, init.defaultAction);
      for (const rule of it.syscalls ?? []) {
        const expected: number =
          actionValue(rule.action, rule.errnoRet, 'test') === init.defaultAction ? 0 : rule.names.length;
        assert.equal(rules.filter(({ syscall }) => rule.names.includes(syscall)).length, expected);
      }
    }),
  );
});
