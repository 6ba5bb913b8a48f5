/** `events`: tells at intervals what a container uses, and tells when it runs out of memory. */

import { watchOom } from '../../effects/cgroups/oom.ts';
import { readStats } from '../../effects/cgroups/stats/read.ts';
import type { ContainerStats } from '../../effects/cgroups/stats/types.ts';
import { EffectError, reasonOf } from '../../effects/error.ts';
import { openInit } from '../../effects/running/observe.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import type { Context } from '../container/context.ts';
import { permitted } from '../container/permitted.ts';

/** Engines read these events. The form is runc's. */
export type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: ContainerStats }
  | { readonly type: 'oom'; readonly id: string };

interface EventsOptions {
  /** In milliseconds. */
  readonly interval: number;
  /** Tells the statistics once, and ends. */
  readonly statsOnly: boolean;
  /** Ends the watch: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Tells events until the container's init has ended.
 * @param hear is told each event. What it throws ends the watch
 * @throws Error of one line
 */
export async function watchEvents(
  context: Context,
  id: string,
  { interval, statsOnly, signal }: EventsOptions,
  hear: (event: ContainerEvent) => void,
): Promise<void> {
  const record = await permitted(context, id, { type: 'events' });
  const { cgroup } = record;
  if (cgroup === undefined) throw new EffectError(`container ${id} has no cgroup`);
  const { local } = context.platform;
  if (interval <= 0) throw new Error('duration interval must be greater than 0');
  if (statsOnly) {
    hear({ type: 'stats', id, data: await readAll(context, record, cgroup) });
    return;
  }
  const pidfd = record.init === undefined ? undefined : openInit(local, record.init);
  if (pidfd === undefined) return;
  using init = new Owned(local, pidfd);
  await watch(context, { record, cgroup, init: init.fd, interval, signal }, hear);
}

interface Watched {
  readonly record: ContainerRecord;
  readonly cgroup: CgroupRecord;
  /** A pidfd of the container's init. */
  readonly init: Fd;
  readonly interval: number;
  readonly signal: AbortSignal | undefined;
}

/** The longest wait that we ask poll(2) for in one go, in milliseconds. Its timeout is an int. */
const LONGEST_POLL_MS = 0x3fff_ffff;

async function watch(
  context: Context,
  { record, cgroup, init, interval, signal }: Watched,
  hear: (event: ContainerEvent) => void,
): Promise<void> {
  const { platform } = context;
  const { id } = record;
  const oom = watchOom(platform.local, cgroup);
  try {
    for (let next = performance.now() + interval; ; ) {
      const left = Math.min(LONGEST_POLL_MS, Math.max(0, Math.ceil(next - performance.now())));
      const ready = await platform.poll([{ fd: init, events: POLL.IN }, ...oom.awaited], left, signal);
      const ended = ready[0] !== 0;
      if (ready.some((events) => events !== 0)) {
        const seen = oom.look();
        if (seen.oom) hear({ type: 'oom', id });
        if (seen.gone || ended) return;
      }
      if (performance.now() < next) continue;
      // Where the computer slept, the looks that were missed are not made up for.
      next = Math.max(next + interval, performance.now());
      const data = await tryStats(context, record, cgroup);
      if (data !== undefined) hear({ type: 'stats', id, data });
    }
  } finally {
    oom.close();
  }
}

/** Looks at the statistics. A look that fails is no reason to stop watching. */
async function tryStats(
  context: Context,
  record: ContainerRecord,
  cgroup: CgroupRecord,
): Promise<ContainerStats | undefined> {
  try {
    return await readAll(context, record, cgroup);
  } catch (error) {
    context.warn(reasonOf(error));
    return undefined;
  }
}

/** @throws CgroupError, EffectError */
async function readAll(
  { platform: { local } }: Context,
  { resctrl }: ContainerRecord,
  cgroup: CgroupRecord,
): Promise<ContainerStats> {
  const stats = readStats(local, cgroup);
  if (resctrl === undefined) return stats;
  const { resctrlStats } = await import('../../effects/resctrl/stats.ts');
  return { ...stats, intel_rdt: resctrlStats(local, resctrl) };
}
