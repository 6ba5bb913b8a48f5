/**
 * What a process may still do that joins a container of whoever runs the runtime, from the moment on that those in the container see
 * it. One of them that has CAP_SYS_PTRACE takes over whatever it sees in its user namespace (ptrace(2), "Ptrace access mode
 * checking"), also what is not dumpable. So a stage that it does not see gives up the rest, before there is a process that it does.
 */

import { capset, setgroups } from '../../native/calls/process.ts';
import type { CAPABILITIES } from '../../native/constants/process.ts';
import type { Batch } from '../../native/kernel/batch.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import type { Config, Process } from '../../spec/types.ts';
import { makesNamespace } from '../namespaces/plan.ts';
import { capabilitySet, dropBounding } from './capabilities.ts';
import { groupsOf } from './execute.ts';

export interface EarlyRights {
  /** Capabilities of the process from its birth on: effective and permitted. */
  readonly born: bigint;
  /** Once it is set up, until its program takes its place. */
  readonly late: bigint;
  readonly inheritable: bigint;
}

/**
 * The capabilities that the config gives, and what there is no way without:
 * - CAP_SETUID and CAP_SETGID to become a user who is not root;
 * - CAP_SYS_ADMIN to load a seccomp filter without no_new_privs; while labels are set, to have a procfs that can be trusted;
 * - CAP_DAC_OVERRIDE and CAP_CHOWN while a terminal is set up: to open a multiplexer that devpts closes to everybody, and to give
 *   the terminal to the user.
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

/** Adds, to be performed where nobody of the container sees it: groups and bounding set as they are to be, and no more than `born`. */
export function addEarlyRights(batch: Batch, process: Process, { born, inheritable }: EarlyRights): void {
  batch.add(setgroups(groupsOf(process)));
  for (const call of dropBounding(process.capabilities ?? {})) batch.add(call);
  batch.add(limited(born, inheritable));
}

/**
 * Those of a process that is itself to enter its cgroup and cgroup namespace: at birth, and by its first calls. A cgroup that was
 * delegated need not be root's.
 */
export const withEntry = (rights: EarlyRights): EarlyRights => ({ ...rights, born: rights.born | ENTRY });
const ENTRY = capabilitySet(['CAP_SYS_ADMIN', 'CAP_DAC_OVERRIDE']);

/** What a process performs once it has entered, if it is to do that itself. */
export const bornRights = ({ born, inheritable }: EarlyRights): Call => limited(born, inheritable);

/** What a process performs that is set up. */
export const lateRights = ({ born, late, inheritable }: EarlyRights): readonly Call[] =>
  late === born ? [] : [limited(late, inheritable)];

/**
 * Whether somebody of the container may trace what comes into it; or of another container, which has its pid namespace too.
 * A process that an `exec` gave more than the container has is not thought of.
 */
export const isWatched = (config: Config): boolean =>
  !makesNamespace(config, 'pid') ||
  Object.values(config.process?.capabilities ?? {}).some((set) => set?.includes('CAP_SYS_PTRACE'));

/**
 * Of an init that waits for `start` where others see it: it has mounted and limited what it had to, and has left to look for
 * its program, give its terminal away, and become what the config says.
 */
export function waitingRights(process: Process, hasFilter: boolean): Call {
  const { late } = earlyRights(process, hasFilter);
  return limited(late | WAITING, 0n);
}
const WAITING = capabilitySet(['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETUID']);

/** Where the config gives what the runtime itself has not, all stays as it is: the last calls of the process tell. */
const limited = (set: bigint, inheritable: bigint): Call => ({ ...capset(set, set, inheritable), mayFail: true });
