/** The flags of seccomp(2) that a profile asks for, and which of them the kernel has. */

import { probeFilterFlags } from '../../native/calls/seccomp.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { SECCOMP_FILTER_FLAG } from '../../native/constants/seccomp.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { Seccomp, SeccompFlag } from '../../spec/types.ts';
import { needsListener } from './actions.ts';

const VALUES: Readonly<Record<SeccompFlag, number>> = {
  // Our init has one thread, so there is nothing to synchronize. runc too takes the flag and does nothing.
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: SECCOMP_FILTER_FLAG.LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: SECCOMP_FILTER_FLAG.SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: SECCOMP_FILTER_FLAG.WAIT_KILLABLE_RECV,
};

/**
 * The flags as a number. Without `flags` in the profile, speculation stays as it is (SPEC_ALLOW), if the
 * kernel can do that: the mitigation costs much, and has been off by default since Linux 5.16. An empty list asks for
 * no flag.
 * @throws Error for a flag that the kernel does not have
 */
export function filterFlags(kernel: Kernel, profile: Seccomp): number {
  const listener = needsListener(profile) ? SECCOMP_FILTER_FLAG.NEW_LISTENER : 0;
  if (profile.flags === undefined) {
    const wanted = VALUES.SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    return listener | (kernelHas(kernel, wanted) ? wanted : 0);
  }
  return profile.flags.reduce((flags, name) => {
    if (!flagSupported(kernel, name)) throw new Error(`linux.seccomp.flags: this kernel does not have ${name}`);
    // This flag says how to wait for an agent. The kernel refuses it where there is none.
    if (name === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' && listener === 0) return flags;
    return flags | VALUES[name];
  }, listener);
}

/** Whether this kernel has the flag. `features` asks too. */
export function flagSupported(kernel: Kernel, name: SeccompFlag): boolean {
  const value = VALUES[name];
  const needed = value === SECCOMP_FILTER_FLAG.WAIT_KILLABLE_RECV ? SECCOMP_FILTER_FLAG.NEW_LISTENER : 0;
  return value === 0 || kernelHas(kernel, value | needed);
}

/**
 * The kernel looks at the flags before it reads the program, which is not there: EFAULT means that it knows the flags.
 */
const kernelHas = (kernel: Kernel, flags: number): boolean =>
  attempt(kernel, probeFilterFlags(flags)) === -ERRNO.EFAULT;
