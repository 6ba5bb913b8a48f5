/** The actions of a profile as the values that a filter returns. */

import { ERRNO } from '../../native/constants/errno.ts';
import { SECCOMP_RET } from '../../native/constants/seccomp.ts';
import type { Seccomp, SeccompAction } from '../../spec/types.ts';

const VALUES: Readonly<Record<SeccompAction, number>> = {
  // It ends the thread, as with libseccomp: KILL is the name from before there was a choice.
  SCMP_ACT_KILL: SECCOMP_RET.KILL_THREAD,
  SCMP_ACT_KILL_THREAD: SECCOMP_RET.KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SECCOMP_RET.KILL_PROCESS,
  SCMP_ACT_TRAP: SECCOMP_RET.TRAP,
  SCMP_ACT_ERRNO: SECCOMP_RET.ERRNO,
  SCMP_ACT_TRACE: SECCOMP_RET.TRACE,
  SCMP_ACT_ALLOW: SECCOMP_RET.ALLOW,
  SCMP_ACT_LOG: SECCOMP_RET.LOG,
  SCMP_ACT_NOTIFY: SECCOMP_RET.USER_NOTIF,
};

/**
 * The largest number that an action carries. libseccomp takes errnos below the kernel's MAX_ERRNO; a tracer is told any
 * 16 bits.
 */
const LARGEST: Partial<Record<SeccompAction, number>> = { SCMP_ACT_ERRNO: 4094, SCMP_ACT_TRACE: 0xffff };

/**
 * @param errnoRet EPERM where absent
 * @param where `default`, or a path in the profile: `syscalls[0]`
 * @throws Error for a number where the action carries none (the specification demands this error, runc has none), or
 *   for one that is too large
 */
export function actionValue(action: SeccompAction, errnoRet: number | undefined, where: string): number {
  const largest = LARGEST[action];
  const field = where === 'default' ? 'defaultErrnoRet' : `${where}.errnoRet`;
  if (largest === undefined) {
    if (errnoRet !== undefined) throw new Error(`linux.seccomp.${field}: ${action} takes no errno`);
    return VALUES[action];
  }
  const number = errnoRet ?? ERRNO.EPERM;
  if (number > largest) throw new Error(`linux.seccomp.${field}: ${number} is more than ${largest}`);
  return VALUES[action] + number;
}

/** Whether this action lets a call take place, or lets somebody decide on it. */
export const isPermissive = (action: SeccompAction): boolean =>
  action === 'SCMP_ACT_ALLOW' ||
  action === 'SCMP_ACT_LOG' ||
  action === 'SCMP_ACT_TRACE' ||
  action === 'SCMP_ACT_NOTIFY';

/**
 * Why no agent can be asked as the profile wants it, in runc's words; undefined where one can. runc's init could not
 * hand the descriptor to the agent any more, and would wait for it. Ours could do both, but engines and profiles are
 * written for runc.
 */
export function listenerProblem(profile: Seccomp): string | undefined {
  if (profile.defaultAction === 'SCMP_ACT_NOTIFY') return 'SCMP_ACT_NOTIFY cannot be used as default action';
  const asks = (profile.syscalls ?? []).filter(({ action }) => action === 'SCMP_ACT_NOTIFY');
  if (asks.some(({ names }) => names.includes('write'))) return 'SCMP_ACT_NOTIFY cannot be used for the write syscall';
  return asks.length > 0 && !profile.listenerPath ? 'seccomp listenerPath is not set' : undefined;
}

/**
 * Whether seccomp(2) returns a descriptor, the listener, which is for an agent. An agent that is named gets it though
 * no rule asks it, as with crun: so it can watch the container.
 */
export const needsListener = (profile: Seccomp): boolean =>
  Boolean(profile.listenerPath) ||
  profile.defaultAction === 'SCMP_ACT_NOTIFY' ||
  (profile.syscalls ?? []).some(({ action }) => action === 'SCMP_ACT_NOTIFY');
