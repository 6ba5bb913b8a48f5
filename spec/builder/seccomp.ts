/** The seccomp filter of a container that is built from options. Pure. */

import type { Seccomp, SeccompArch, SeccompSyscall } from '../types.ts';
import { ALLOWED, ALLOWED_ON, ALLOWED_WITH, namesIn } from './seccomp-calls.ts';

/** The architecture of the machine, as Node names it. */
export type Arch = 'x64' | 'arm64';

/** The machine's own, and those whose programs it can run as well. */
const ARCHITECTURES: Readonly<Record<Arch, readonly SeccompArch[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

const EPERM = 1;
const ENOSYS = 38;
const AF_VSOCK = 40;

/** The flags of clone(2) that make namespaces: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NEW_NAMESPACES = 0x7e02_0000;

/** personality(2): PER_LINUX, PER_LINUX32, each with UNAME26, and the question which one it is. */
const PERSONALITIES = [0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/**
 * Docker's default profile: what is not known to be harmless fails with EPERM.
 * @param capabilities of the program. Some open calls that others must not make
 */
export function defaultSeccomp(arch: Arch, capabilities: readonly string[]): Seccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: [...ARCHITECTURES[arch]],
    syscalls: [
      allow([...Object.values(ALLOWED).flatMap(namesIn), ...namesIn(ALLOWED_ON[arch])]),
      // A virtual machine's host would trust whatever comes from the machine, containers included.
      { ...allow(['socket']), args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] },
      ...PERSONALITIES.map((value) => ({
        ...allow(['personality']),
        args: [{ index: 0, value, op: 'SCMP_CMP_EQ' as const }],
      })),
      ...capabilities.flatMap((name) => {
        const calls = ALLOWED_WITH[name];
        return calls === undefined ? [] : [allow(namesIn(calls))];
      }),
      ...(capabilities.includes('CAP_SYS_ADMIN') ? [] : withoutNewNamespaces()),
    ],
  };
}

const allow = (names: string[]): SeccompSyscall => ({ names, action: 'SCMP_ACT_ALLOW' });

/** clone3(2) has its flags in memory, where no filter can look: C libraries go back to clone(2) where it is missing. */
const withoutNewNamespaces = (): SeccompSyscall[] => [
  { ...allow(['clone']), args: [{ index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }] },
  { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
];
