/**
 * Calls that are newer than the profile fail with ENOSYS, whatever its default action: a C library then falls back to
 * the older call, while EPERM would be taken for the kernel's word (glibc with clone3, faccessat2, openat2).
 * Newer is a call with a number above all that the profile names: numbers are given in the order of time, nearly.
 */

import { ERRNO } from '../../native/constants/errno.ts';
import { BPF, SCMP_ARCH, SECCOMP_DATA, SECCOMP_RET, X32_BIT } from '../../native/constants/seccomp.ts';
import type { Seccomp } from '../../spec/types.ts';
import { isPermissive } from './actions.ts';
import { answer, assemble, type Instruction, jump, load, skip } from './bpf.ts';

/** The largest number of a call that the profile names on an architecture, by SCMP_ARCH; x32's has X32_BIT set. */
type LastCalls = ReadonlyMap<number, number>;

/** Whether the rule changes anything for a profile. */
export const wantsEnosys = ({ defaultAction, defaultErrnoRet }: Seccomp): boolean =>
  !isPermissive(defaultAction) && !(defaultAction === 'SCMP_ACT_ERRNO' && defaultErrnoRet === ERRNO.ENOSYS);

/**
 * @param names every call of the profile
 * @param resolve the number of a call on an architecture; negative when there is none
 */
export function lastCalls(
  names: Iterable<string>,
  architectures: Iterable<number>,
  resolve: (name: string, architecture: number) => number,
): LastCalls {
  const unique = [...new Set(names)];
  const last = new Map<number, number>();
  for (const architecture of architectures) {
    let largest = 0;
    for (const name of unique) largest = Math.max(largest, resolve(name, architecture));
    if (largest > 0) last.set(architecture, largest);
  }
  return last;
}

/** What stands before the profile's own program, and falls through to it for all calls that the profile could know. */
export function enosysPrelude(last: LastCalls): Uint8Array {
  const x32 = last.get(SCMP_ARCH.SCMP_ARCH_X32);
  const sections = [...last]
    .filter(([architecture]) => architecture !== SCMP_ARCH.SCMP_ARCH_X32)
    .map(([architecture, largest]) =>
      architecture === SCMP_ARCH.SCMP_ARCH_X86_64
        ? section(architecture, amd64(largest, x32))
        : section(architecture, [jump(BPF.JMP_JGT_K, largest, 0, 1)]),
    );
  if (sections.length === 0) return new Uint8Array();
  let following = sections.reduce((sum, { length }) => sum + length, 0);
  const program = sections.flatMap((instructions) => {
    following -= instructions.length;
    return [...instructions.slice(0, -1), skip(following)];
  });
  return assemble([load(SECCOMP_DATA.ARCH), ...program]);
}

/** `test` ends at `ret ENOSYS`, or jumps over it to leave the prelude. For other architectures the section is skipped, and A kept. */
const section = (architecture: number, test: readonly Instruction[]): readonly Instruction[] => [
  jump(BPF.JMP_JEQ_K, architecture, 0, test.length + 3),
  load(SECCOMP_DATA.NR),
  ...test,
  answer(SECCOMP_RET.ERRNO + ERRNO.ENOSYS),
  skip(0),
];

/** The kernel reports x32 calls as those of x86-64. A profile without x32 leaves them to its program, which kills. */
const amd64 = (largest: number, x32: number | undefined): readonly Instruction[] =>
  x32 === undefined
    ? [jump(BPF.JMP_JSET_K, X32_BIT, 2, 0), jump(BPF.JMP_JGT_K, largest, 0, 1)]
    : [jump(BPF.JMP_JSET_K, X32_BIT, 1, 0), jump(BPF.JMP_JGT_K, largest, 1, 2), jump(BPF.JMP_JGT_K, x32, 0, 1)];
