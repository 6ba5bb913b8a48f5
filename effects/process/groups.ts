/**
 * The additional groups of a process. crun's annotation `run.oci.keep_original_groups` leaves it those of the caller:
 * that is podman's `--group-add keep-groups`. An ordinary user may so let a container use files that his groups open.
 */

import { setgroups } from '../../native/calls/process.ts';
import type { Call } from '../../native/kernel/kernel.ts';
import type { Config, Process } from '../../spec/types.ts';

/** A process of config.json, with what its annotations say of its groups. */
export interface GroupedProcess extends Process {
  /** It keeps the groups of whoever has called the runtime. */
  readonly keepsGroups?: true;
}

const ANNOTATION = 'run.oci.keep_original_groups';

/** As in crun, any value but `0` asks for it. */
export const keepsGroups = ({ annotations }: Pick<Config, 'annotations'>): boolean =>
  (annotations?.[ANNOTATION] ?? '0') !== '0';

/** The process with what its container's config says of its groups. */
export const grouped = (config: Pick<Config, 'annotations'>, process: Process): GroupedProcess =>
  keepsGroups(config) ? { ...process, keepsGroups: true } : process;

/**
 * The additional groups, each once. Engines name some twice: for the user, and again by an option. The kernel would
 * keep both.
 */
const groupsOf = ({ user }: Process): readonly number[] => [...new Set(user?.additionalGids)];

/** Sets the groups, unless they are kept. */
export const groupCalls = (process: GroupedProcess): readonly Call[] =>
  process.keepsGroups ? [] : [setgroups(groupsOf(process))];
