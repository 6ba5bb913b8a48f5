/** `events`: what a container uses, from time to time, and when it runs out of memory. */

import { watchOom } from '../../effects/cgroups/oom.ts';
import { readStats } from '../../effects/cgroups/stats/read.ts';
import type { ContainerStats } from '../../effects/cgroups/stats/types.ts';
import { EffectError, reasonOf } from '../../effects/error.ts';
import { openInit } from '../../effects/running/observe.ts';
import { close } from '../../native/calls/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import type { Context } from '../container/context.ts';
import { permitted } from '../container/permitted.ts';

/** In runc's form, which engines read. */
type ContainerEvent =
  | { readonly type: 'stats'; readonly id: string; readonly data: ContainerStats }
  | { readonly type: 'oom'; readonly id: string };

interface EventsOptions {
  /** Milliseconds. */
  readonly interval: number;
  /** One look at the statistics, and no more. */
  readonly statsOnly: boolean;
}

/**
 * Tells `hear` until the container's first process has ended.
 * @param hear throws to end it
 * @throws Error, of one line
 */
export async function watchEvents(
  context: Context,
  id: string,
  { interval, statsOnly }: EventsOptions,
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
  const init = record.init === undefined ? undefined : openInit(local, record.init);
  if (init === undefined) return;
  try {
    await watch(context, { record, cgroup, init, interval }, hear);
  } finally {
    attempt(local, close(init));
  }
}

interface Watched {
  readonly record: ContainerRecord;
  readonly cgroup: CgroupRecord;
  /** Its pidfd. */
  readonly init: number;
  readonly interval: number;
}

/** The longest that poll(2) is asked to wait in one go; its timeout is an int. */
const LONGEST_POLL_MS = 0x3fff_ffff;

async function watch(
  context: Context,
  { record, cgroup, init, interval }: Watched,
  hear: (event: ContainerEvent) => void,
): Promise<void> {
  const { platform } = context;
  const { id } = record;
  const oom = watchOom(platform.local, cgroup);
  try {
    for (let next = performance.now() + interval; ; ) {
      const left = Math.min(LONGEST_POLL_MS, Math.max(0, Math.ceil(next - performance.now())));
      const ready = await platform.poll([{ fd: init, events: POLL.IN }, ...oom.awaited], left);
      const ended = ready[0] !== 0;
      if (ready.some((events) => events !== 0)) {
        const seen = oom.look();
        if (seen.oom) hear({ type: 'oom', id });
        if (seen.gone || ended) return;
      }
      if (performance.now() < next) continue;
      // What was missed (the machine slept) is not made up for.
      next = Math.max(next + interval, performance.now());
      const data = await tryStats(context, record, cgroup);
      if (data !== undefined) hear({ type: 'stats', id, data });
    }
  } finally {
    oom.close();
  }
}

/** A look that fails is no reason to stop watching. */
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
