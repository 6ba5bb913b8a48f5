/** seccomp(2), as data. */

import { SECCOMP, SOCK_FILTER_BYTES } from '../constants/seccomp.ts';
import { type Sysno, sysno } from '../constants/sysno.ts';
import type { Call, Struct } from '../kernel/kernel.ts';
import { viewOf } from '../kernel/struct.ts';

/**
 * Loads a filter. The performer needs no_new_privs or CAP_SYS_ADMIN in its user namespace.
 * With SECCOMP_FILTER_FLAG.NEW_LISTENER the result is a close-on-exec descriptor, the lowest free one.
 * @param program sock_filter[]
 */
export const setModeFilter = (flags: number, program: Uint8Array): Call => ({
  name: 'seccomp',
  args: [SECCOMP.SET_MODE_FILTER, flags, sockFprog(program)],
});

/** Loads no filter: fails with EFAULT where the kernel knows the flags, with EINVAL where not. */
export const probeFilterFlags = (flags: number): Call => ({
  name: 'seccomp',
  args: [SECCOMP.SET_MODE_FILTER, flags, null],
});

/** struct sock_fprog: u16 len (instructions), and at byte 8 the pointer. */
function sockFprog(program: Uint8Array): Struct {
  const bytes = new Uint8Array(16);
  viewOf(bytes).setUint16(0, program.length / SOCK_FILTER_BYTES, true);
  return { kind: 'struct', bytes, pointers: [{ offset: 8, target: program }] };
}

/** A call's number as a filter sees it in an init of ours. */
export const filteredNumber = (name: Sysno): number => sysno(name, process.arch === 'arm64' ? 'arm64' : 'x64');
