/** Profiles for tests, and what they mean: a model that knows nothing of BPF. */

import * as fc from 'fast-check';
import type { Seccomp, SeccompAction, SeccompArg, SeccompOperator } from '../../../spec/types.ts';

/** Calls of x86-64, by number: some common ones, spread over the table. */
export const CALLS: Readonly<Record<string, number>> = {
  read: 0,
  write: 1,
  getpid: 39,
  socket: 41,
  sendmsg: 46,
  kill: 62,
  mkdir: 83,
  getuid: 102,
  personality: 135,
  openat: 257,
  clone3: 435,
};

const U64 = 2n ** 64n - 1n;
export const value64 = fc.oneof(
  fc.integer({ min: 0, max: 20 }),
  fc.bigInt({ min: 0n, max: U64 }),
  fc.constantFrom(2n ** 32n, 2n ** 32n - 1n, 2n ** 63n, U64),
);

const operator = fc.constantFrom<SeccompOperator>(
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
);
const argument = (index: fc.Arbitrary<number>) =>
  fc.record({ index, op: operator, value: value64, valueTwo: value64 }) satisfies fc.Arbitrary<SeccompArg>;

const ACTIONS = [
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_LOG',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_TRAP',
] as const satisfies readonly SeccompAction[];
const action = fc.constantFrom<(typeof ACTIONS)[number]>(...ACTIONS);

/** Each call has one rule at most, with different arguments: so there is no doubt what a profile means. */
export const profile: fc.Arbitrary<Seccomp> = fc
  .record({
    defaultAction: action,
    names: fc.uniqueArray(fc.constantFrom(...Object.keys(CALLS)), { maxLength: 8 }),
    rules: fc.array(
      fc.record({
        action,
        errno: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
        args: fc.uniqueArray(argument(fc.integer({ min: 0, max: 5 })), {
          selector: ({ index }) => index,
          maxLength: 3,
        }),
      }),
      { minLength: 8, maxLength: 8 },
    ),
    unknown: fc.boolean(),
  })
  .map(({ defaultAction, names, rules, unknown }) => ({
    defaultAction,
    syscalls: names.flatMap((name, i) => {
      const rule = rules[i];
      if (rule === undefined) return [];
      const carriesErrno = rule.action === 'SCMP_ACT_ERRNO' || rule.action === 'SCMP_ACT_TRACE';
      return [
        {
          names: unknown ? [name, `no_such_call_${i}`] : [name],
          action: rule.action,
          ...(carriesErrno && rule.errno !== undefined ? { errnoRet: rule.errno } : {}),
          args: rule.args,
        },
      ];
    }),
  }));

/**
 * A profile of the shape and size of an engine's default one: some 400 rules, most of them unconditional, and three
 * architectures.
 */
export function largeProfile(names: readonly string[]): Seccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: [
      { names: [...names], action: 'SCMP_ACT_ALLOW' },
      ...[0, 8, 0x20000, 0x20008, 0xffffffff].map((persona) => ({
        names: ['personality'],
        action: 'SCMP_ACT_ALLOW' as const,
        args: [{ index: 0, value: persona, op: 'SCMP_CMP_EQ' as const }],
      })),
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    ],
  };
}

/** Whether a comparison holds, on whole 64-bit values. */
export function holds({ op, value, valueTwo }: SeccompArg, argument: bigint): boolean {
  const a = BigInt(value);
  switch (op) {
    case 'SCMP_CMP_NE':
      return argument !== a;
    case 'SCMP_CMP_LT':
      return argument < a;
    case 'SCMP_CMP_LE':
      return argument <= a;
    case 'SCMP_CMP_EQ':
      return argument === a;
    case 'SCMP_CMP_GE':
      return argument >= a;
    case 'SCMP_CMP_GT':
      return argument > a;
    case 'SCMP_CMP_MASKED_EQ':
      // With libseccomp, bits outside the mask count on neither side.
      return (argument & a) === (BigInt(valueTwo ?? 0) & a);
  }
}
