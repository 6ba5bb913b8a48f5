/** What a process that serves batches is to be: its descriptors, cgroup and namespaces. */

import type { Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import type { PartedBatch } from '../batch.ts';
import type { Inheritance } from '../session.ts';

export interface ServedProcessPlan {
  readonly inheritance: Inheritance;
  /** Descriptors of this process that the new one gets after its standard, preserved and batch ones. */
  readonly extra: readonly Fd[];
  readonly cgroup: CgroupPlan;
  readonly namespaces: NamespacePlan;
  /** How willingly the kernel ends the process when memory runs out: proc_pid_oom_score_adj(5). */
  readonly oomScoreAdj?: number | undefined;
  /**
   * What there is to do while the kernel makes the namespaces: a network takes it 0.5 ms. It must not throw.
   * @param process as a kernel; the process is not there yet
   */
  readonly meanwhile?: ((process: Kernel) => void) | undefined;
}

export interface CgroupPlan {
  /** Moves the stage into the cgroups that the process is not born in. @throws Error */
  readonly enter?: ((stage: Kernel) => void | Promise<void>) | undefined;
  /** A cgroup v2 directory that a process is born in: the one that is made, or a second stage. */
  readonly birth?: string | undefined;
  /**
   * A second stage is born in the cgroup, joins the namespaces, and clones the process. So it can join a cgroup
   * namespace before the process is there. From within a cgroup namespace no cgroup outside of it can be named.
   */
  readonly bySecondStage?: boolean | undefined;
}

export interface NamespacePlan {
  /** CLONE_NEW* of the namespaces that are made. */
  readonly made: number;
  readonly joins?: JoinPlan | undefined;
}

/** How a stage joins namespaces. */
export interface JoinPlan {
  /**
   * Adds what opens a file before anything is joined: in a joined mount namespace paths lead elsewhere.
   * @returns its descriptor, which `add` gets; undefined where there is nothing to open
   */
  readonly open?: ((batch: PartedBatch) => ResultRef<Fd> | undefined) | undefined;
  /** Joins namespaces where the answers decide what comes next. @throws Error */
  readonly first?: ((stage: Kernel) => void) | undefined;
  /**
   * Adds the calls that join the namespaces.
   * @param held the descriptor that `open` has opened, if it has opened one
   * @returns what is to be told the results of the batch
   */
  add(batch: PartedBatch, held: Fd): ((results: readonly number[]) => void) | undefined;
}
