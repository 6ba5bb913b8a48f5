/** On which NUMA nodes the process's memory lies: config-linux.md, "Memory policy". Its children inherit the policy. */

import { setMempolicy } from '../../native/calls/scheduling.ts';
import { MPOL, MPOL_F } from '../../native/constants/scheduling.ts';
import { maskOf } from '../../spec/number-list.ts';
import type { MemoryPolicy } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';

type Mode = NonNullable<MemoryPolicy['mode']>;
type Flag = NonNullable<MemoryPolicy['flags']>[number];

const MODES: Readonly<Record<Mode, number>> = {
  MPOL_DEFAULT: MPOL.DEFAULT,
  MPOL_BIND: MPOL.BIND,
  MPOL_INTERLEAVE: MPOL.INTERLEAVE,
  MPOL_WEIGHTED_INTERLEAVE: MPOL.WEIGHTED_INTERLEAVE,
  MPOL_PREFERRED: MPOL.PREFERRED,
  MPOL_PREFERRED_MANY: MPOL.PREFERRED_MANY,
  MPOL_LOCAL: MPOL.LOCAL,
};

const FLAGS: Readonly<Record<Flag, number>> = {
  MPOL_F_NUMA_BALANCING: MPOL_F.NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES: MPOL_F.RELATIVE_NODES,
  MPOL_F_STATIC_NODES: MPOL_F.STATIC_NODES,
};

/** Adds the policy, as a part of its own. The process itself must perform it: nobody can set another's. */
export function addMemoryPolicy(batch: PartedBatch, policy: MemoryPolicy | undefined): void {
  if (policy?.mode === undefined) return;
  const { mode, nodes = '', flags = [] } = policy;
  batch.add(
    setMempolicy(
      flags.reduce((all, name) => all | FLAGS[name], MODES[mode]),
      maskOf(nodes),
    ),
  );
  const words = [mode, ...flags].join('|') + (nodes === '' ? '' : `, nodes ${nodes}`);
  batch.part(`error setting memory policy: set_mempolicy ${words}`);
}
