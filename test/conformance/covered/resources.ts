import { by, type Covered, testsIn, under, withoutEffect } from '../registry.ts';

const limits = testsIn('integration/cgroups-limits.test.ts');
const rare = testsIn('integration/cgroups-rare.test.ts');
const devices = testsIn('integration/cgroups-devices.test.ts');
const unit = testsIn('effects/cgroups/limits/limits.test.ts');
const use = testsIn('effects/cgroups/limits/memory-use.test.ts');
const unified = testsIn('integration/v2-limits.test.ts');
const both = unified('all of them at once, and changed');
const idle = unified('an idle cgroup, and zero processes, which mean one');

const rules = by(devices('a process may open what the rules allow, and what the default ones do'));
const memory = by(limits('memory, growing and shrinking'), both);
const ofV1 = by(limits('memory.swappiness and the OOM killer of v1'), unit('resources that have no effect are named'));
const cpu = by(limits('cpu'), both);
const throttled = by(limits('block IO'), both);
const weighed = by(rare('weights of a block device'), unit('limits of block IO'));
const leaves = by(rare('leaf weights, where the kernel has none, are refused by file'), unit('limits of block IO'));
const network = by(rare('network classes and priorities'), unit('limits of huge pages, RDMA and the network'));
const rdma = by(rare('RDMA handles and objects'), unit('limits of huge pages, RDMA and the network'));
const at = 'linux.resources';

export const RESOURCES: Covered = {
  ...under(`${at}.devices[]`, ['allow', 'type', 'major', 'minor', 'access'], rules),
  ...under(`${at}.memory`, ['limit', 'reservation', 'swap'], memory),
  ...under(
    `${at}.memory`,
    ['kernel', 'kernelTCP'],
    withoutEffect('deprecated, and gone from the kernel; a warning', unit('resources that have no effect are named')),
  ),
  ...under(`${at}.memory`, ['swappiness', 'disableOOMKiller'], ofV1),
  [`${at}.memory.useHierarchy`]: withoutEffect('the kernel knows no other way since 5.11', unit('limits of memory')),
  [`${at}.memory.checkBeforeUpdate`]: by(
    unified('of memory, below what is in use, are refused where that is asked for'),
    use('a limit that is not above the memory in use is refused if the config asks for the check'),
  ),
  ...under(`${at}.cpu`, ['shares', 'quota', 'burst', 'period'], cpu),
  [`${at}.cpu.idle`]: by(limits('cpu'), idle),
  ...under(
    `${at}.cpu`,
    ['realtimeRuntime', 'realtimePeriod'],
    by(rare('time of real-time processes'), unit('limits of CPU time and cpusets')),
  ),
  ...under(`${at}.cpu`, ['cpus', 'mems'], by(limits('cpusets'), both)),
  [`${at}.pids.limit`]: by(limits('pids'), both),
  [`${at}.blockIO.weight`]: throttled,
  [`${at}.blockIO.leafWeight`]: leaves,
  ...under(`${at}.blockIO.weightDevice[]`, ['major', 'minor', 'weight'], weighed),
  [`${at}.blockIO.weightDevice[].leafWeight`]: leaves,
  ...under(`${at}.blockIO.throttleReadBpsDevice[]`, ['major', 'minor', 'rate'], throttled),
  ...under(`${at}.blockIO.throttleWriteBpsDevice[]`, ['major', 'minor', 'rate'], throttled),
  ...under(`${at}.blockIO.throttleReadIOPSDevice[]`, ['major', 'minor', 'rate'], throttled),
  ...under(`${at}.blockIO.throttleWriteIOPSDevice[]`, ['major', 'minor', 'rate'], throttled),
  ...under(`${at}.hugepageLimits[]`, ['pageSize', 'limit'], by(limits('huge pages'), both)),
  [`${at}.network.classID`]: network,
  ...under(`${at}.network.priorities[]`, ['name', 'priority'], network),
  ...under(`${at}.rdma.*`, ['hcaHandles', 'hcaObjects'], rdma),
  [`${at}.unified.*`]: by(limits('files by their name'), unified('unified alone, over what the others say')),
};
