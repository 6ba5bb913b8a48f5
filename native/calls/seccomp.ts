/** Calls of seccomp(2). */

import { SECCOMP, SOCK_FILTER_BYTES } from '../constants/seccomp.ts';
import { type Sysno, sysno } from '../constants/sysno.ts';
import type { Call, Struct } from '../kernel/kernel.ts';
import { viewOf } from '../kernel/struct.ts';

/**
 * Loads a filter. The performer needs no_new_privs, or CAP_SYS_ADMIN in its user namespace. With
 * SECCOMP_FILTER_FLAG.NEW_LISTENER the result is a close-on-exec descriptor, the lowest that is free.
 * @param program struct sock_filter[]
 */
export const setModeFilter = (flags: number, program: Uint8Array): Call => ({
  name: 'seccomp',
  args: [SECCOMP.SET_MODE_FILTER, flags, sockFprog(program)],
});

/** Asks whether the kernel knows flags. It loads no filter, and fails: with EFAULT if so, with EINVAL if not. */
export const probeFilterFlags = (flags: number): Call => ({
  name: 'seccomp',
  args: [SECCOMP.SET_MODE_FILTER, flags, null],
});

/** struct sock_fprog: a u16 counts the instructions; the pointer to them is at byte 8. */
function sockFprog(program: Uint8Array): Struct {
  const bytes = new Uint8Array(16);
  viewOf(bytes).setUint16(0, program.length / SOCK_FILTER_BYTES, true);
  return { kind: 'struct', bytes, pointers: [{ offset: 8, target: program }] };
}

/** The number by which a filter sees a call of our init. */
export const filteredNumber = (name: Sysno): number => sysno(name, process.arch === 'arm64' ? 'arm64' : 'x64');
