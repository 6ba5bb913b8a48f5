/** Programs that libseccomp made: a reference interpreter runs them, and a model says what the profile means. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { actionValue, isPermissive } from '../../../effects/seccomp/actions.ts';
import { prepend } from '../../../effects/seccomp/bpf.ts';
import { compileProgram } from '../../../effects/seccomp/compile.ts';
import { courierPrelude } from '../../../effects/seccomp/courier.ts';
import { NATIVE_ARCH } from '../../../native/constants/seccomp.ts';
import { SYSNO, sysno } from '../../../native/constants/sysno.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { type LibSeccomp, loadLibSeccomp } from '../../../native/libraries/libseccomp.ts';
import { localKernel } from '../../../native/performers/local.ts';
import type { Seccomp } from '../../../spec/types.ts';
import { interpret } from './interpreter.ts';
import { CALLS, holds, largeProfile, profile, value64 } from './profiles.ts';

const X86_64 = 0xc000003e;
const X86 = 0x40000003;
const libc = loadLibc();
const local = localKernel(libc);
const library = tryLoad();
const skip = library === undefined ? 'libseccomp.so.2 is not installed' : false;

function tryLoad(): LibSeccomp | undefined {
  try {
    return loadLibSeccomp(libc);
  } catch {
    return undefined;
  }
}

function compiled(it: Seccomp): Uint8Array {
  assert.ok(library);
  return compileProgram(local, library, { architectures: ['SCMP_ARCH_X86_64'], ...it }, NATIVE_ARCH);
}

/** What a profile says about a call of x86-64. */
function meaning(it: Seccomp, name: string, nr: number, args: readonly bigint[]): number {
  const rule = (it.syscalls ?? []).find(({ names }) => names.includes(name));
  if (rule?.args?.every((one) => holds(one, args[one.index] ?? 0n)) !== undefined) {
    if (rule.args.every((one) => holds(one, args[one.index] ?? 0n)))
      return actionValue(rule.action, rule.errnoRet, 'test');
  }
  const named = (it.syscalls ?? []).flatMap(({ names }) => names.map((one) => CALLS[one] ?? -1));
  const newest = Math.max(0, ...named);
  if (newest > 0 && nr > newest && !isPermissive(it.defaultAction)) return 0x50026;
  return actionValue(it.defaultAction, it.defaultErrnoRet, 'test');
}

test('a program does what its profile says', { skip: skip || process.arch !== 'x64' }, () => {
  const args = fc.array(value64, { minLength: 6, maxLength: 6 });
  const call = fc.record({ name: fc.constantFrom(...Object.keys(CALLS)), args });
  fc.assert(
    fc.property(profile, fc.array(call, { minLength: 20, maxLength: 20 }), (it, calls) => {
      const program = compiled(it);
      for (const { name, args } of calls) {
        const nr = CALLS[name] ?? 0;
        // Half of the arguments are what the rule compares with, so that both outcomes occur.
        const rule = (it.syscalls ?? []).find(({ names }) => names.includes(name));
        const values = args.map((value, i) => {
          const compared = rule?.args?.find(({ index }) => index === i);
          const wanted = compared?.op === 'SCMP_CMP_MASKED_EQ' ? compared.valueTwo : compared?.value;
          return BigInt(wanted !== undefined && BigInt(value) % 2n === 0n ? wanted : value);
        });
        assert.equal(interpret(program, { arch: X86_64, nr, args: values }), meaning(it, name, nr, values), name);
      }
    }),
    { numRuns: 150 },
  );
});

test('a profile of the size of an engine default compiles for three architectures', {
  skip: skip || process.arch !== 'x64',
}, () => {
  const program = compiled(largeProfile(Object.keys(SYSNO)));
  assert.equal(program.length % 8, 0);
  const decide = (arch: number, nr: number, ...args: bigint[]) => interpret(program, { arch, nr, args });
  const [allow, eperm, enosys] = [0x7fff0000, 0x50001, 0x50026];
  assert.equal(decide(X86_64, sysno('openat2', 'x64')), allow);
  assert.equal(decide(X86_64, 169), eperm, 'reboot is older than the newest named call');
  assert.equal(decide(X86_64, 135, 0x20008n), allow);
  assert.equal(decide(X86_64, 56, 0x11n), allow);
  assert.equal(decide(X86_64, 56, 0x10000000n), eperm);
  assert.equal(decide(X86_64, 435), allow, 'a rule that names a call again is weaker than an unconditional one');
  assert.equal(decide(X86_64, 500), enosys);
  assert.equal(decide(X86_64, 0x40000000 + 257), allow, 'openat by x32');
  assert.equal(decide(X86_64, 0x40000000 + 600), enosys);
  assert.equal(decide(X86, 3), allow, 'read by x86');
  assert.equal(decide(X86, 88), eperm, 'reboot by x86');
  assert.equal(decide(X86, 500), enosys);
  assert.equal(decide(0xc00000b7, 63), 0, 'another architecture is killed');
});

test('the call that sends the listener passes with its secret only', () => {
  const arch = NATIVE_ARCH;
  const nr = sysno('sendmsg', process.arch === 'arm64' ? 'arm64' : 'x64');
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 0, max: 63 }), (secret, bit) => {
      const kill = new Uint8Array([6, 0, 0, 0, 0, 0, 0, 0]);
      const program = prepend(courierPrelude(secret), kill);
      const decide = (of: number, number: number, word: bigint) =>
        interpret(program, { arch: of, nr: number, args: [3n, 4n, 5n, word, 0n, 0n] });
      assert.equal(decide(arch, nr, secret), 0x7fff0000);
      assert.equal(decide(arch, nr, secret ^ (1n << BigInt(bit))), 0);
      assert.equal(decide(arch, nr + 1, secret), 0);
      assert.equal(decide(X86, nr, secret), 0);
    }),
  );
});

test('the error for what libseccomp refuses names the part of the profile', { skip }, () => {
  assert.throws(() => compiled({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_S390X'] }), {
    message: 'linux.seccomp.architectures: SCMP_ARCH_S390X: its byte order is not that of this machine',
  });
  const args = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' as const }];
  const conflicting: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      { names: ['mkdir'], action: 'SCMP_ACT_ERRNO', args },
      { names: ['mkdir'], action: 'SCMP_ACT_TRAP', args },
    ],
  };
  assert.throws(() => compiled(conflicting), {
    message: 'linux.seccomp: the rule for mkdir: another rule has the same conditions and another action',
  });
});

test('a program that the kernel would not take is refused before it is loaded', () => {
  const half = new Uint8Array(2048 * 8);
  assert.equal(prepend(half, half).length, 4096 * 8);
  assert.throws(() => prepend(half, new Uint8Array(2049 * 8)), {
    message: 'linux.seccomp: the filter has 4097 instructions, the kernel takes 4096',
  });
});

test('the error for a missing or too old libseccomp says what to do', () => {
  assert.throws(() => loadLibSeccomp(libc, 'libseccomp.so.99'), /libseccomp\.so\.99 cannot be loaded: .*libseccomp2/);
  assert.throws(() => loadLibSeccomp(libc, 'libc.so.6'), /has no seccomp_api_get: .* 2\.4 or newer/);
});
