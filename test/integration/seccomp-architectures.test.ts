/** linux.seccomp.architectures: which machine's calls a filter decides about. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findCompiler } from '../../build/compiler.ts';
import { compileProgram } from '../../effects/seccomp/compile.ts';
import { NATIVE_ARCH, SCMP_ARCH } from '../../native/constants/seccomp.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { loadLibSeccomp } from '../../native/libraries/libseccomp.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { Seccomp, SeccompArch } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers } from './containers.ts';

const host = containers('seccomp-arch');
after(() => {
  // The cache of compiled filters is meant to stay.
  rmSync(join(host.path, 'state/@seccomp'), { recursive: true, force: true });
  host.close();
});

/** By their byte order. */
const LITTLE: readonly SeccompArch[] = [
  ...(['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_X32', 'SCMP_ARCH_ARM', 'SCMP_ARCH_AARCH64'] as const),
  ...(['SCMP_ARCH_MIPSEL', 'SCMP_ARCH_MIPSEL64', 'SCMP_ARCH_MIPSEL64N32', 'SCMP_ARCH_PPC64LE'] as const),
  ...(['SCMP_ARCH_RISCV64', 'SCMP_ARCH_LOONGARCH64', 'SCMP_ARCH_SH'] as const),
];
const BIG: readonly SeccompArch[] = [
  ...(['SCMP_ARCH_MIPS', 'SCMP_ARCH_MIPS64', 'SCMP_ARCH_MIPS64N32', 'SCMP_ARCH_PPC', 'SCMP_ARCH_PPC64'] as const),
  ...(['SCMP_ARCH_S390', 'SCMP_ARCH_S390X', 'SCMP_ARCH_PARISC', 'SCMP_ARCH_PARISC64', 'SCMP_ARCH_M68K'] as const),
  'SCMP_ARCH_SHEB',
];
/** Later than libseccomp 2.5. */
const NEW: readonly SeccompArch[] = ['SCMP_ARCH_LOONGARCH64', 'SCMP_ARCH_M68K', 'SCMP_ARCH_SH', 'SCMP_ARCH_SHEB'];

const refusing: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['getuid', 'getuid32'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 }],
};

test('every architecture is compiled for, or refused with the reason', (t) => {
  const libc = loadLibc();
  const library = (() => {
    try {
      return loadLibSeccomp(libc);
    } catch {
      return undefined;
    }
  })();
  if (library === undefined) return t.skip('libseccomp.so.2 is not installed');
  assert.deepEqual([...LITTLE, ...BIG].toSorted(), Object.keys(SCMP_ARCH).toSorted());
  const compile = (architecture: SeccompArch): Uint8Array =>
    compileProgram(localKernel(libc), library, { ...refusing, architectures: [architecture] }, NATIVE_ARCH);
  const order = 'its byte order is not that of this machine';
  const strange = `libseccomp ${library.version} does not know it`;
  for (const architecture of [...LITTLE, ...BIG]) {
    const mayBe = [BIG.includes(architecture) ? order : '', NEW.includes(architecture) ? strange : ''];
    const reasons = mayBe.filter((reason) => reason !== '');
    let told: string | undefined;
    try {
      assert.ok(compile(architecture).length > 0);
    } catch (error) {
      told = error instanceof Error ? error.message : String(error);
    }
    if (told === undefined) assert.ok(LITTLE.includes(architecture), architecture);
    else
      assert.ok(
        reasons.map((reason) => `linux.seccomp.architectures: ${architecture}: ${reason}`).includes(told),
        told,
      );
  }
});

/** getuid by the 32-bit entry of the kernel's, which a 64-bit program may use too; the answer's distance from 0 is its exit status. */
const BY_INT80 = `
void _start(void) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(199) : "memory");
  __asm__ volatile("syscall" : : "a"(231), "D"((int)-result & 0xff));
}`;

/** The same as a program of 32-bit Arm, where 64-bit ones have no such entry: mov r7, #199; svc; rsb r0, r0, #0; mov r7, #1; svc. */
const BY_SVC = [0xe3a070c7, 0xef000000, 0xe2600000, 0xe3a07001, 0xef000000];

/** @returns undefined where this kernel takes no 32-bit calls, which it may be built without, or there is no compiler */
function foreignCaller(): string | undefined {
  const program = join(host.path, 'foreign');
  if (process.arch === 'arm64') writeFileSync(program, armProgram(BY_SVC), { mode: 0o755 });
  else {
    const compiler = findCompiler('x64');
    if (compiler === undefined) return undefined;
    writeFileSync(`${program}.c`, BY_INT80);
    const flags = ['-O1', '-static', '-nostdlib', '-fno-stack-protector'];
    execFileSync(compiler, [...flags, '-o', program, `${program}.c`]);
  }
  return spawnSync(program).status === 0 ? program : undefined;
}

/** An ELF file of 32 bits with one segment: the headers and these instructions. */
function armProgram(code: readonly number[]): Uint8Array {
  const [ELF, SEGMENT, BASE, ABI5] = [52, 32, 0x10000, 0x0500_0000];
  const file = Buffer.alloc(ELF + SEGMENT + code.length * 4);
  file.write('\x7fELF\x01\x01\x01', 'latin1');
  // An executable, for Arm.
  for (const [at, half] of [
    [16, 2],
    [18, 40],
    [40, ELF],
    [42, SEGMENT],
    [44, 1],
  ] as const)
    file.writeUInt16LE(half, at);
  const words = [1, BASE + ELF + SEGMENT, ELF, 0, ABI5];
  const load = [1, 0, BASE, BASE, file.length, file.length, 5, BASE];
  for (const [i, word] of words.entries()) file.writeUInt32LE(word, 20 + i * 4);
  for (const [i, word] of [...load, ...code].entries()) file.writeUInt32LE(word, ELF + i * 4);
  return file;
}

test('calls of architectures that the profile names pass, others end the process', {
  skip: noContainers,
}, async (t) => {
  const program = foreignCaller();
  if (program === undefined) return t.skip('this kernel takes no 32-bit calls, or no C compiler is installed');
  const under = async (...architectures: SeccompArch[]): Promise<number> => {
    const config = shellConfig('');
    const { status } = await host.run(
      'foreign',
      {
        ...config,
        process: { ...config.process, args: ['/foreign'] },
        linux: { ...config.linux, seccomp: { ...refusing, architectures } },
      },
      { prepare: (rootfs) => copyFileSync(program, join(rootfs, 'foreign')) },
    );
    return status;
  };
  const [own, other, strange] =
    process.arch === 'arm64'
      ? (['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM', 'SCMP_ARCH_X86'] as const)
      : (['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_AARCH64'] as const);
  assert.equal(await under(own), 128 + 31, 'SIGSYS');
  assert.equal(await under(own, other), 95, 'the rule holds for them too');
  assert.equal(await under(own, 'SCMP_ARCH_X32', strange), 128 + 31);
});
