/** Lets an init become the container's process. */

import { close, closeRange, dup3, openat } from '../../native/calls/files.ts';
import { execve, prctl, setNoNewPrivs, setresgid, setresuid, umask } from '../../native/calls/process.ts';
import { ERRNO, errnoName, errnoText } from '../../native/constants/errno.ts';
import { AT, CLOSE_RANGE, O } from '../../native/constants/files.ts';
import { PR } from '../../native/constants/process.ts';
import { Batch } from '../../native/kernel/batch.ts';
import { type Call, type Kernel, LostPeerError, type Outcome } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import type { Process } from '../../spec/types.ts';
import { submitAwaited, type Waiting } from '../answers.ts';
import { EffectError } from '../error.ts';
import { applyCapabilities, dropBounding } from './capabilities.ts';
import { withHome } from './environment.ts';
import { type GroupedProcess, groupCalls } from './groups.ts';
import { lookAround, type Surroundings } from './look-around.ts';
import { ProgramError } from './program.ts';
import { addMustEnter, cwdError } from './working-directory.ts';

export interface Execution {
  readonly process: GroupedProcess;
  readonly surroundings: Surroundings;
  /** The process's complete environment. */
  readonly env: readonly string[];
  /** The container's user namespace forbids setgroups(2). */
  readonly groupsDenied: boolean;
  /** The groups and the bounding set are already what the program is to have (early-rights.ts). */
  readonly isLimited?: boolean;
}

/**
 * @param groupsDenied whether the process's user namespace forbids setgroups(2)
 * @param known the surroundings, where they are known; otherwise they are asked for, in one round trip
 * @throws EffectError when the program or the working directory is not there
 */
export async function planExecution(
  platform: Waiting,
  kernel: Kernel,
  process: GroupedProcess,
  groupsDenied = false,
  known?: Surroundings,
): Promise<Execution> {
  if (groupsDenied && !process.keepsGroups && (process.user?.additionalGids?.length ?? 0) > 0)
    throw new EffectError('cannot set any additional groups in a rootless container');
  const surroundings = known ?? (await lookAround(platform, kernel, process));
  return { process, surroundings, env: withHome(process.env ?? [], surroundings.home), groupsDenied };
}

/**
 * Adds what takes away the rights that the process must not have. The startContainer hooks have no more.
 * @param filter loads the seccomp filter. Without no_new_privs that is a privileged call, and comes before the
 * capabilities go. With it, it comes as late as possible, so that a profile need not allow what happens here.
 */
export function addRightsGivenUp(
  batch: Batch,
  { process, surroundings, groupsDenied, isLimited = false }: Execution,
  filter: readonly Call[],
): void {
  const user = process.user ?? {};
  // A config that says nothing of capabilities gives none, as with runc: it does not give all that we have.
  const { capabilities = {}, noNewPrivileges } = process;
  const add = (calls: readonly Call[]): void => {
    for (const one of calls) batch.add(one);
  };
  add(noNewPrivileges ? [setNoNewPrivs()] : filter);
  if (!isLimited) add(dropBounding(capabilities));
  batch.add(prctl(PR.SET_KEEPCAPS, 1));
  if (!groupsDenied && !isLimited) add(groupCalls(process));
  batch.add(setresgid(user.gid ?? 0));
  batch.add(setresuid(user.uid ?? 0));
  if (surroundings.cwdDenied) addMustEnter(batch, process.cwd);
  batch.add(prctl(PR.SET_KEEPCAPS, 0));
  add(applyCapabilities(capabilities));
  batch.add(umask(user.umask ?? 0o022));
  if (noNewPrivileges) add(filter);
}

interface ExecuteOptions {
  /** How many descriptors from 3 on the program inherits. */
  readonly preserveFds: number;
  /** Loads the seccomp filter. */
  readonly filter?: readonly Call[];
}

/**
 * The last thing that an init does: it gives up what the process must not have, and executes the program.
 * @throws EffectError in the words that engines know; the init cannot be used any more and must be ended
 */
export async function executeProcess(
  platform: Waiting,
  kernel: Kernel,
  execution: Execution,
  options: ExecuteOptions,
): Promise<void> {
  const { process, surroundings, env } = execution;
  const { program, foreignStdio, nullStdio } = surroundings;
  const uid = process.user?.uid ?? 0;
  const batch = new Batch();
  // Whatever was left open by mistake, here or in what started us, is closed by execve (CVE-2024-21626).
  batch.add(closeRange(3 + options.preserveFds, 0x7fffffff, CLOSE_RANGE.CLOEXEC));
  addOwnNull(batch, nullStdio);
  // So that the user can use his terminal. Where the owner cannot be changed, it stays as it is.
  for (const fd of foreignStdio) batch.try({ name: 'fchown', args: [fd, uid, -1] });
  addRightsGivenUp(batch, execution, options.filter ?? []);
  batch.add(execve(program, process.args ?? [], env));
  const outcome = await submitLast(platform, kernel, batch);
  if (outcome === undefined) return;
  const index = outcome.stoppedAt ?? batch.calls.length - 1;
  const failed = batch.calls[index];
  const errno = -(outcome.results[index] ?? 0);
  // These are runc's words, and the error's message has no others.
  if (failed?.name === 'execve')
    throw new ProgramError(
      `exec ${program}: ${errnoText(errno)}`,
      { program, errno, during: 'execve' },
      new SyscallError(failed, errno, index),
    );
  throw failure(process, failed, errno, index);
}

/** @returns undefined where the program runs: execve has closed the connection, since it is close-on-exec */
async function submitLast(platform: Waiting, kernel: Kernel, batch: Batch): Promise<Outcome | undefined> {
  try {
    return await submitAwaited(platform, kernel, batch.calls, { toTheEnd: true });
  } catch (error) {
    if (error instanceof LostPeerError) return undefined;
    throw error;
  }
}

/**
 * Adds: put the container's own /dev/null in the place of these descriptors, so that they lead nowhere out of the
 * container. Where it cannot be opened they stay as they are.
 */
function addOwnNull(batch: Batch, fds: readonly Fd[]): void {
  if (fds.length === 0) return;
  const own = batch.try(openat(AT.FDCWD, '/dev/null', O.RDWR | O.NOFOLLOW));
  for (const fd of fds) batch.try(dup3(own, fd));
  // The filter's listener is to get the lowest free number (seccomp/agent.ts), which is this one.
  batch.try(close(own));
}

function failure(process: Process, failed: Call | undefined, errno: number, index: number): EffectError {
  const user = process.user ?? {};
  const invalid = errno === ERRNO.EINVAL;
  const cause = failed === undefined ? undefined : new SyscallError(failed, errno, index);
  if (failed?.name === 'setresuid' && invalid)
    return new EffectError(`cannot setuid to unmapped uid ${user.uid ?? 0} in user namespace`, { cause });
  if (failed?.name === 'setresgid' && invalid)
    return new EffectError(`cannot setgid to unmapped gid ${user.gid ?? 0} in user namespace`, { cause });
  if (failed?.name === 'openat2' || failed?.name === 'fchdir') return cwdError(process.cwd, errno);
  if (failed?.name === 'seccomp')
    return new EffectError(`load the seccomp filter: ${errnoName(errno)}: ${errnoText(errno)}`, { cause });
  return new EffectError(`give the process its identity: ${cause?.message ?? errnoName(errno)}`, { cause });
}
