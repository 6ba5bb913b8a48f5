/** An init becomes the container's process. */

import { close, closeRange, dup3, openat } from '../../native/calls/files.ts';
import { execve, prctl, setgroups, setNoNewPrivs, setresgid, setresuid, umask } from '../../native/calls/process.ts';
import { ERRNO, errnoName, errnoText } from '../../native/constants/errno.ts';
import { AT, CLOSE_RANGE, O } from '../../native/constants/files.ts';
import { PR } from '../../native/constants/process.ts';
import { type Call, type Kernel, LostPeerError } from '../../native/kernel/kernel.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import { result } from '../../native/kernel/struct.ts';
import type { Process } from '../../spec/types.ts';
import { EffectError } from '../error.ts';
import { applyCapabilities, dropBounding } from './capabilities.ts';
import { withHome } from './environment.ts';
import { lookAround, type Surroundings } from './look-around.ts';
import { cwdError, enterCalls } from './working-directory.ts';

export interface Execution {
  readonly process: Process;
  readonly surroundings: Surroundings;
  /** The process's environment, complete. */
  readonly env: readonly string[];
  /** The container's user namespace forbids setgroups(2). */
  readonly groupsDenied: boolean;
  /** Groups and bounding set are as they are to be (early-rights.ts). */
  readonly isLimited?: boolean;
}

/** The kernel keeps what is named twice twice, and engines name groups twice: one of the user's, and the same by option. */
export const groupsOf = ({ user }: Process): readonly number[] => [...new Set(user?.additionalGids)];

/**
 * @param groupsDenied in the user namespace that the process is in
 * @param known the surroundings as they are; by default asked for, in one round trip
 * @throws EffectError when the program or the working directory is not there
 */
export function planExecution(kernel: Kernel, process: Process, groupsDenied = false, known?: Surroundings): Execution {
  if (groupsDenied && (process.user?.additionalGids?.length ?? 0) > 0)
    throw new EffectError('cannot set any additional groups in a rootless container');
  const surroundings = known ?? lookAround(kernel, process);
  return { process, surroundings, env: withHome(process.env ?? [], surroundings.home), groupsDenied };
}

/**
 * What takes away the rights that the process must not have; the startContainer hooks have no more.
 * @param at how many calls are before these in their batch
 * @param filter loads the seccomp filter. Without no_new_privs that is a privileged call and comes before the capabilities go;
 * with it, it comes as late as can be, so that a profile need not allow what happens here.
 */
export function giveUpRights(
  { process, surroundings, groupsDenied, isLimited = false }: Execution,
  at: number,
  filter: readonly Call[],
): readonly Call[] {
  const user = process.user ?? {};
  // A config that says nothing of capabilities gives none, as with runc: not all that we have.
  const { capabilities = {}, noNewPrivileges } = process;
  const asRoot = [
    ...(noNewPrivileges ? [setNoNewPrivs()] : filter),
    ...(isLimited ? [] : dropBounding(capabilities)),
    prctl(PR.SET_KEEPCAPS, 1),
    ...(groupsDenied || isLimited ? [] : [setgroups(groupsOf(process))]),
    setresgid(user.gid ?? 0),
    setresuid(user.uid ?? 0),
  ];
  return [
    ...asRoot,
    ...(surroundings.cwdDenied ? enterCalls(process.cwd, at + asRoot.length) : []),
    prctl(PR.SET_KEEPCAPS, 0),
    ...applyCapabilities(capabilities),
    umask(user.umask ?? 0o022),
    ...(noNewPrivileges ? filter : []),
  ];
}

interface ExecuteOptions {
  /** Descriptors from 3 on that the program inherits. */
  readonly preserveFds: number;
  /** Loads the seccomp filter. */
  readonly filter?: readonly Call[];
}

/**
 * The last thing that an init does: it gives up what the process must not have, and executes the program.
 * @throws EffectError in the words that engines know; the init cannot be used any more and must be ended
 */
export function executeProcess(kernel: Kernel, execution: Execution, options: ExecuteOptions): void {
  const { process, surroundings, env } = execution;
  const { program, foreignStdio, nullStdio } = surroundings;
  const uid = process.user?.uid ?? 0;
  const before: readonly Call[] = [
    // Whatever was left open by mistake, here or in what started us, ends with execve (CVE-2024-21626).
    closeRange(3 + options.preserveFds, 0x7fffffff, CLOSE_RANGE.CLOEXEC),
    ...reopenNull(nullStdio),
    // So that the user can use his terminal; where the owner cannot be changed it stays as it is.
    ...foreignStdio.map((fd): Call => ({ name: 'fchown', args: [fd, uid, -1], mayFail: true })),
  ];
  const calls = [
    ...before,
    ...giveUpRights(execution, before.length, options.filter ?? []),
    execve(program, process.args ?? [], env),
  ];
  let outcome: ReturnType<Kernel['submit']>;
  try {
    outcome = kernel.submit(calls);
  } catch (error) {
    // The connection is close-on-exec: its end is the program's beginning.
    if (error instanceof LostPeerError) return;
    throw error;
  }
  const index = outcome.stoppedAt ?? calls.length - 1;
  const failed = calls[index];
  const errno = -(outcome.results[index] ?? 0);
  // Word for word what runc says, and nothing more.
  if (failed?.name === 'execve') throw new EffectError(`exec ${program}: ${errnoText(errno)}`);
  throw failure(process, failed, errno, index);
}

/** With the container's own, the descriptors lead nowhere out of it. Where that cannot be opened they stay as they are. */
function reopenNull(fds: readonly number[]): readonly Call[] {
  if (fds.length === 0) return [];
  // After closeRange in the batch: with one call before it.
  const own = result(1);
  return [
    { ...openat(AT.FDCWD, '/dev/null', O.RDWR | O.NOFOLLOW), mayFail: true },
    ...fds.map((fd): Call => ({ ...dup3(own, fd), mayFail: true })),
    // The filter's listener is to get the lowest free number (seccomp/agent.ts), which this was.
    { ...close(own), mayFail: true },
  ];
}

function failure(process: Process, failed: Call | undefined, errno: number, index: number): EffectError {
  const user = process.user ?? {};
  const invalid = errno === ERRNO.EINVAL;
  if (failed?.name === 'setresuid' && invalid)
    return new EffectError(`cannot setuid to unmapped uid ${user.uid ?? 0} in user namespace`);
  if (failed?.name === 'setresgid' && invalid)
    return new EffectError(`cannot setgid to unmapped gid ${user.gid ?? 0} in user namespace`);
  if (failed?.name === 'openat2' || failed?.name === 'fchdir') return cwdError(process.cwd, errno);
  if (failed?.name === 'seccomp')
    return new EffectError(`load the seccomp filter: ${errnoName(errno)}: ${errnoText(errno)}`);
  const cause = failed === undefined ? undefined : new SyscallError(failed, errno, index);
  return new EffectError(`give the process its identity: ${cause?.message ?? errnoName(errno)}`, { cause });
}
