/** What `update` makes of a container's resources: which of them are written now, and which are in force then. Pure. */

import { majorMinor } from '../../effects/cgroups/limits/limit.ts';
import type { BlockIO, LinuxCPU, LinuxMemory, LinuxNetwork, LinuxResources, ThrottleDevice } from '../../spec/types.ts';

interface ChangedResources {
  /**
   * Only what was asked for, and what the kernel wants together with it. Other limits stay as they are, since somebody
   * else may have set them meanwhile (a kubelet its cpusets).
   */
  readonly written: LinuxResources;
  readonly kept: LinuxResources;
}

/**
 * @param asked what is absent stays as it is; so does what is zero, where zero means nothing. Device rules always stay
 */
export function changeResources(old: LinuxResources, asked: LinuxResources): ChangedResources {
  const { devices: _, memory = {}, cpu = {}, blockIO = {}, hugepageLimits = [], ...others } = asked;
  const askedMemory = withoutZeros(memory, 'swappiness');
  const askedCpu = withoutZeros(cpu, 'idle', 'burst');
  const keptMemory = changeMemory(old.memory ?? {}, askedMemory);
  const keptCpu = changeCpu(old.cpu ?? {}, askedCpu);
  return {
    written: present({
      ...others,
      memory: { ...askedMemory, ...memoryTogether(keptMemory, askedMemory) },
      cpu: { ...askedCpu, ...cpuTogether(keptCpu, askedCpu) },
      blockIO,
      hugepageLimits,
    }),
    kept: present({
      ...old,
      memory: keptMemory,
      cpu: keptCpu,
      blockIO: changeBlockIO(old.blockIO ?? {}, blockIO),
      hugepageLimits: merged(old.hugepageLimits, hugepageLimits, ({ pageSize }) => pageSize),
      pids: { ...old.pids, ...others.pids },
      network: changeNetwork(old.network ?? {}, others.network ?? {}),
      rdma: changeRdma(old.rdma ?? {}, others.rdma ?? {}),
      unified: { ...old.unified, ...others.unified },
    }),
  };
}

/** A change to unlimited memory also removes the limit of memory and swap together. */
function changeMemory(old: LinuxMemory, asked: LinuxMemory): LinuxMemory {
  const { swap: _, ...withoutSwap } = old;
  const unlimited = asked.limit !== undefined && BigInt(asked.limit) === -1n && asked.swap === undefined;
  // `checkBeforeUpdate` is for this update alone.
  const { checkBeforeUpdate: __, ...lasting } = asked;
  return { ...(unlimited ? withoutSwap : old), ...lasting };
}

/** v2 has no limit for memory and swap together. The limit of swap is computed from both, so both are written. */
const memoryTogether = ({ limit, swap }: LinuxMemory, asked: LinuxMemory): LinuxMemory =>
  asked.limit === undefined && asked.swap === undefined
    ? {}
    : { ...(limit === undefined ? {} : { limit }), ...(swap === undefined ? {} : { swap }) };

/** A cgroup that becomes idle gives up its shares. */
function changeCpu(old: LinuxCPU, asked: LinuxCPU): LinuxCPU {
  const { shares: _, ...withoutShares } = old;
  return { ...(asked.idle !== undefined && asked.shares === undefined ? withoutShares : old), ...asked };
}

/** v2 has one file for quota and period. */
const cpuTogether = ({ quota, period }: LinuxCPU, asked: LinuxCPU): LinuxCPU =>
  asked.quota === undefined && asked.period === undefined
    ? {}
    : { ...(quota === undefined ? {} : { quota }), ...(period === undefined ? {} : { period }) };

/** Each interface has a priority of its own, which is written by itself. */
function changeNetwork(old: LinuxNetwork, asked: LinuxNetwork): LinuxNetwork {
  const priorities = merged(old.priorities, asked.priorities, ({ name }) => name);
  return { ...old, ...withoutZeros(asked), ...(priorities.length === 0 ? {} : { priorities }) };
}

type Rdma = NonNullable<LinuxResources['rdma']>;

/** A device has two limits. The kernel leaves the one alone that is not written. */
const changeRdma = (old: Rdma, asked: Rdma): Rdma => ({
  ...old,
  ...Object.fromEntries(Object.entries(asked).map(([device, limits]) => [device, { ...old[device], ...limits }])),
});

function changeBlockIO(old: BlockIO, asked: BlockIO): BlockIO {
  const devices = { weightDevice: merged(old.weightDevice, asked.weightDevice, majorMinor, true) };
  const throttled = (name: ThrottleName): Partial<BlockIO> => {
    const all: readonly ThrottleDevice[] = merged(old[name], asked[name], majorMinor);
    return all.length === 0 ? {} : { [name]: all };
  };
  return {
    ...old,
    ...asked,
    ...(devices.weightDevice.length === 0 ? {} : devices),
    ...throttled('throttleReadBpsDevice'),
    ...throttled('throttleWriteBpsDevice'),
    ...throttled('throttleReadIOPSDevice'),
    ...throttled('throttleWriteIOPSDevice'),
  };
}

type ThrottleName =
  | 'throttleReadBpsDevice'
  | 'throttleWriteBpsDevice'
  | 'throttleReadIOPSDevice'
  | 'throttleWriteIOPSDevice';

/**
 * Merges two lists by a key. Where both have an entry of one key, the one that was asked for takes the place of the old
 * one.
 * @param member whether only the members that the new entry has are replaced, instead of the whole entry
 */
function merged<T>(old: readonly T[] = [], asked: readonly T[] = [], keyOf: (one: T) => string, member = false): T[] {
  const all = new Map(old.map((one) => [keyOf(one), one]));
  for (const one of asked) {
    const before = all.get(keyOf(one));
    all.set(keyOf(one), member && before !== undefined ? { ...before, ...one } : one);
  }
  return [...all.values()];
}

function withoutZeros<T extends object>(values: T, ...meant: readonly (keyof T)[]): T {
  const kept = { ...values };
  for (const name in kept) {
    const value: unknown = kept[name];
    if ((value === 0 || value === '' || value === 0n) && !meant.includes(name)) delete kept[name];
  }
  return kept;
}

/** Leaves out the members that are empty. */
const present = (resources: LinuxResources): LinuxResources =>
  Object.fromEntries(Object.entries(resources).filter(([, value]) => Object.keys(value ?? {}).length > 0));
