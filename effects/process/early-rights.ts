/**
 * Which rights a process keeps that joins a container in the runtime's own user namespace. From some moment on, those
 * in the container see the process. One of them that has CAP_SYS_PTRACE can take over everything that it sees in its
 * user namespace, also what is not dumpable (ptrace(2), "Ptrace access mode checking"). So the stage, which they do not
 * see, gives up all other rights before there is a process that they do see.
 */

import { capset } from '../../native/calls/process.ts';
import type { CAPABILITIES } from '../../native/constants/process.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { post } from '../../native/kernel/perform.ts';
import type { Config, Process } from '../../spec/types.ts';
import { awaitAnswers, type Waiting } from '../answers.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { capabilitySet, dropBounding } from './capabilities.ts';
import { type GroupedProcess, groupCalls } from './groups.ts';

export interface EarlyRights {
  /** The process's effective and permitted capabilities from its birth on. */
  readonly born: bigint;
  /** The same once it is set up, until its program takes its place. */
  readonly late: bigint;
  readonly inheritable: bigint;
}

/**
 * The capabilities that the config gives, and those that the process cannot be set up without:
 * - CAP_SETUID and CAP_SETGID to become a user who is not root;
 * - CAP_SYS_ADMIN to load a seccomp filter without no_new_privs;
 * - CAP_SYS_ADMIN while labels are set, to have a procfs that can be trusted;
 * - CAP_DAC_OVERRIDE and CAP_CHOWN while a terminal is set up, to open a multiplexer that devpts closes to everybody,
 *   and to give the terminal to the user.
 */
export function earlyRights(process: Process, hasFilter: boolean): EarlyRights {
  const { capabilities = {}, noNewPrivileges, terminal, apparmorProfile, selinuxLabel } = process;
  const { uid = 0, gid = 0 } = process.user ?? {};
  const late =
    capabilitySet(capabilities.permitted) |
    when(uid !== 0, 'CAP_SETUID') |
    when(gid !== 0, 'CAP_SETGID') |
    when(hasFilter && !noNewPrivileges, 'CAP_SYS_ADMIN');
  const born =
    late |
    when(Boolean(apparmorProfile || selinuxLabel), 'CAP_SYS_ADMIN') |
    when(terminal === true, 'CAP_DAC_OVERRIDE') |
    when(terminal === true && uid !== 0, 'CAP_CHOWN');
  return { born, late, inheritable: capabilitySet(capabilities.inheritable) };
}

const when = (needed: boolean, name: (typeof CAPABILITIES)[number]): bigint => (needed ? capabilitySet([name]) : 0n);

/**
 * Adds what a stage performs that nobody in the container sees. It sets the groups and the bounding set that the
 * program is to have, and keeps no other capabilities than `born`.
 */
export function addEarlyRights(batch: Batch, process: GroupedProcess, { born, inheritable }: EarlyRights): void {
  for (const call of groupCalls(process)) batch.add(call);
  for (const call of dropBounding(process.capabilities ?? {})) batch.add(call);
  batch.add(limited(born, inheritable));
}

/**
 * The same for an init that is to execute its program next: it does so while the command is busy with something else.
 * Nobody but the command can tell it what to do meanwhile.
 * @returns a function that waits for it, and answers whether all was done. If not, the process's last calls try again,
 * and report what is wrong
 */
export function postLimits(platform: Waiting, init: Kernel, process: GroupedProcess): () => Promise<boolean> {
  const calls = [...groupCalls(process), ...dropBounding(process.capabilities ?? {})];
  let isDone = false;
  post(
    init,
    calls.map((one): Call => ({ ...one, mayFail: true })),
    ({ results }) => {
      isDone = calls.every(({ mayFail }, i) => mayFail || (results[i] ?? -1) >= 0);
    },
  );
  return async () => {
    await awaitAnswers(platform, init);
    return isDone;
  };
}

/**
 * The rights of a process that is born in a v2 cgroup, and then enters the cgroup namespace by its first calls. The
 * cgroup may have been delegated to somebody else than root, hence CAP_DAC_OVERRIDE. setns(2) by a pidfd wants the
 * right to trace the init, which may have more capabilities than this process, or not be dumpable, hence
 * CAP_SYS_PTRACE.
 */
export const withEntry = (rights: EarlyRights): EarlyRights => ({ ...rights, born: rights.born | ENTRY });
const ENTRY = capabilitySet(['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE']);

/** What such a process performs once it has entered the cgroup namespace. */
export const bornRights = ({ born, inheritable }: EarlyRights): Call => limited(born, inheritable);

/** What a process performs once it is set up. */
export const lateRights = ({ born, late, inheritable }: EarlyRights): readonly Call[] =>
  late === born ? [] : [limited(late, inheritable)];

/**
 * Whether somebody may trace a process that comes into the container: somebody in it, or in another container that
 * shares its pid namespace. This does not count processes to which an `exec` gave more than the container has.
 */
export const isWatched = (config: Config): boolean =>
  !makesNamespace(config, 'pid') ||
  Object.values(config.process?.capabilities ?? {}).some((set) => set?.includes('CAP_SYS_PTRACE'));

/**
 * Limits the rights of an init that waits for `start` where others see it. It has done its mounts and set its limits.
 * What is left for it to do is to look for its program, to give its terminal away, and to become what the config says.
 */
export function waitingRights(process: Process, hasFilter: boolean): Call {
  const { late } = earlyRights(process, hasFilter);
  return limited(late | WAITING, 0n);
}
const WAITING = capabilitySet(['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID']);

/**
 * This may fail where the config gives capabilities that the runtime itself does not have. Then the rights stay as they
 * are, and the process's last calls report what is wrong.
 */
const limited = (set: bigint, inheritable: bigint): Call => ({ ...capset(set, set, inheritable), mayFail: true });
