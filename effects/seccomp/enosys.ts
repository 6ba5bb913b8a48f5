/**
 * Makes calls that are newer than the profile fail with ENOSYS, whatever the profile's default action is. A C library
 * then falls back to the older call, while it would believe an EPERM (glibc does so with clone3, faccessat2, openat2).
 * A call counts as newer if its number is above those of all calls that the profile names: the kernel has given numbers
 * in the order of time, nearly.
 */

import { ERRNO } from '../../native/constants/errno.ts';
import { BPF, SCMP_ARCH, SECCOMP_DATA, SECCOMP_RET, X32_BIT } from '../../native/constants/seccomp.ts';
import type { Seccomp } from '../../spec/types.ts';
import { isPermissive } from './actions.ts';
import { answer, assemble, type Instruction, jump, load, skip } from './bpf.ts';

/**
 * The largest number among the calls that the profile names, for each architecture (SCMP_ARCH). X32_BIT is set in that
 * of x32.
 */
type LastCalls = ReadonlyMap<number, number>;

/** Whether the rule would change anything for a profile. */
export const wantsEnosys = ({ defaultAction, defaultErrnoRet }: Seccomp): boolean =>
  !isPermissive(defaultAction) && !(defaultAction === 'SCMP_ACT_ERRNO' && defaultErrnoRet === ERRNO.ENOSYS);

/**
 * @param names every call of the profile
 * @param resolve answers the number of a call on an architecture, negative where it has none
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

/** The program that stands before the profile's own, and goes on to that for all calls that the profile could know. */
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

/**
 * The part for one architecture. `test` goes on to the instruction that answers ENOSYS, or jumps over it in order to
 * leave the prelude. For other architectures the section is skipped, and the architecture stays loaded.
 */
const section = (architecture: number, test: readonly Instruction[]): readonly Instruction[] => [
  jump(BPF.JMP_JEQ_K, architecture, 0, test.length + 3),
  load(SECCOMP_DATA.NR),
  ...test,
  answer(SECCOMP_RET.ERRNO + ERRNO.ENOSYS),
  skip(0),
];

/**
 * The kernel reports x32 calls as those of x86-64. Where the profile does not have x32, its own program gets these
 * calls, and kills.
 */
const amd64 = (largest: number, x32: number | undefined): readonly Instruction[] =>
  x32 === undefined
    ? [jump(BPF.JMP_JSET_K, X32_BIT, 2, 0), jump(BPF.JMP_JGT_K, largest, 0, 1)]
    : [jump(BPF.JMP_JSET_K, X32_BIT, 1, 0), jump(BPF.JMP_JGT_K, largest, 1, 2), jump(BPF.JMP_JGT_K, x32, 0, 1)];
