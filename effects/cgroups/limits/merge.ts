/** What `update` asks for, put over the resources in force. Pure. */

import type { BlockIO, LinuxResources } from '../../../spec/types.ts';
import { isUnlimited } from './limit.ts';

/**
 * The resources that will be in force: each value of `requested`, and of `current` what it leaves alone. Device rules stay.
 * As in runc, unlimited memory takes the swap limit along, and an idle cgroup loses its shares, which it cannot have.
 */
export function mergeResources(current: LinuxResources, requested: LinuxResources): LinuxResources {
  const { devices } = current;
  const memory = { ...current.memory, ...given(requested.memory) };
  if (isUnlimited(requested.memory?.limit) && requested.memory?.swap === undefined) memory.swap = 0;
  const cpu = { ...current.cpu, ...given(requested.cpu) };
  if (requested.cpu?.idle !== undefined && requested.cpu.shares === undefined) cpu.shares = 0;
  return {
    ...current,
    ...given(requested),
    ...(devices === undefined ? {} : { devices }),
    ...filled({
      memory,
      cpu,
      blockIO: mergeBlockIO(current.blockIO ?? {}, requested.blockIO ?? {}),
      pids: { ...current.pids, ...given(requested.pids) },
      network: { ...current.network, ...given(requested.network) },
      rdma: { ...current.rdma, ...given(requested.rdma) },
      unified: { ...current.unified, ...given(requested.unified) },
    }),
  };
}

const LISTS = [
  'weightDevice',
  'throttleReadBpsDevice',
  'throttleWriteBpsDevice',
  'throttleReadIOPSDevice',
  'throttleWriteIOPSDevice',
] as const;

/** Lists are by device: a device's entry takes the place of its last one. */
function mergeBlockIO(current: BlockIO, requested: BlockIO): BlockIO {
  const lists = LISTS.map((name) => {
    const merged = [...(current[name] ?? [])];
    for (const entry of requested[name] ?? []) {
      const at = merged.findLastIndex(({ major, minor }) => major === entry.major && minor === entry.minor);
      if (at < 0) merged.push(entry);
      else merged[at] = { ...merged[at], ...entry };
    }
    return [name, merged] as const;
  });
  return { ...current, ...given(requested), ...Object.fromEntries(lists.filter(([, list]) => list.length > 0)) };
}

/** Without members that are there but undefined, which would hide what is below them. */
const given = <T extends object>(value: T | undefined): Partial<T> =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([, member]) => member !== undefined)) as Partial<T>;

const filled = (parts: Readonly<Record<string, object>>): LinuxResources =>
  Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0));
