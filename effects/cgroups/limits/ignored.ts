/** Finds the resources of config.json that have no effect on this host, so that the log names each of them. Pure. */

import type { CgroupRecord } from '../../../spec/record.ts';
import type { LinuxResources } from '../../../spec/types.ts';
import { isSet } from './limit.ts';

/**
 * One line for each field that is set and not applied. runc is silent about most of them; engines rely on it that the
 * container is made all the same. spec/rules/warnings.ts names what no kernel has any more.
 */
export function ignoredResources({ layout }: CgroupRecord, resources: LinuxResources): readonly string[] {
  const { memory = {}, cpu = {}, blockIO = {}, network = {} } = resources;
  if (layout !== 'v2') return [];
  const legacy = {
    'memory.swappiness': isSet(memory.swappiness) && BigInt.asIntN(64, BigInt(memory.swappiness)) !== -1n,
    'memory.disableOOMKiller': memory.disableOOMKiller === true,
    'cpu.realtimeRuntime': isSet(cpu.realtimeRuntime),
    'cpu.realtimePeriod': isSet(cpu.realtimePeriod),
    'blockIO.leafWeight': isSet(blockIO.leafWeight),
    'blockIO.weightDevice.leafWeight': (blockIO.weightDevice ?? []).some(({ leafWeight }) => isSet(leafWeight)),
    'network.classID': isSet(network.classID),
    'network.priorities': (network.priorities ?? []).length > 0,
  };
  return Object.entries(legacy).flatMap(([field, set]) =>
    set ? [`linux.resources.${field} is ignored: cgroup v2 has no such limit`] : [],
  );
}
