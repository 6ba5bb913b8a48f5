/** linux.seccomp.architectures: which machine's calls a filter decides about. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findCompiler } from '../../build/compiler.ts';
import { compileProgram } from '../../effects/seccomp/compile.ts';
import { NATIVE_ARCH, SCMP_ARCH } from '../../native/constants/seccomp.ts';
import { loadLibc } from '../../native/libc.ts';
import { loadLibSeccomp } from '../../native/libseccomp.ts';
import { localKernel } from '../../native/local.ts';
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

function int80(compiler: string): string | undefined {
  const [source, program] = [join(host.path, 'int80.c'), join(host.path, 'int80')];
  writeFileSync(source, BY_INT80);
  execFileSync(compiler, ['-O1', '-static', '-nostdlib', '-fno-stack-protector', '-o', program, source]);
  // Kernels can be without 32-bit calls.
  return spawnSync(program).status === 0 ? program : undefined;
}

test('calls of architectures that the profile names pass, others end the process', {
  skip: noContainers,
}, async (t) => {
  if (process.arch !== 'x64') return t.skip('written for x86-64');
  const compiler = findCompiler('x64');
  if (compiler === undefined) return t.skip('no C compiler is installed');
  const program = int80(compiler);
  if (program === undefined) return t.skip('this kernel takes no 32-bit calls');
  const under = async (...architectures: SeccompArch[]): Promise<number> => {
    const config = shellConfig('');
    const { status } = await host.run(
      'int80',
      {
        ...config,
        process: { ...config.process, args: ['/int80'] },
        linux: { ...config.linux, seccomp: { ...refusing, architectures } },
      },
      { prepare: (rootfs) => copyFileSync(program, join(rootfs, 'int80')) },
    );
    return status;
  };
  assert.equal(await under('SCMP_ARCH_X86_64'), 128 + 31, 'SIGSYS');
  assert.equal(await under('SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'), 95, 'the rule holds for them too');
  assert.equal(await under('SCMP_ARCH_X86_64', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64'), 128 + 31);
});
