import { by, type Covered, testsIn, under } from '../registry.ts';

const scheduling = testsIn('integration/scheduling.test.ts');
const apparmor = testsIn('integration/apparmor.test.ts');

const devices = testsIn('integration/net-devices.test.ts');
const resctrl = testsIn('integration/resctrl.test.ts');
const simulated = testsIn('runtime/simulated-lifecycle.test.ts');
const values = testsIn('effects/process/scheduling-values.test.ts');
const policies = by(
  scheduling('follows the policy of config.json, and that of a process.json before it'),
  scheduling('knows every policy that the kernel does, with flags'),
  values('policies and flags have the numbers of the kernel'),
);

export const SCHEDULING: Covered = {
  ...under('process.scheduler', ['policy', 'nice', 'priority', 'flags[]', 'runtime', 'deadline', 'period'], policies),
  ...under('process.ioPriority', ['class', 'priority'], by(scheduling('follows the I/O priority'))),
  ...under(
    'process.execCPUAffinity',
    ['initial', 'final'],
    by(scheduling('runs exec where its affinity says, first and last')),
  ),
  ...under(
    'linux.memoryPolicy',
    ['mode', 'nodes', 'flags[]'],
    by(
      scheduling('follows the memory policy, of the container’s process and of others'),
      values('memory policies and their flags have the numbers of the kernel'),
    ),
  ),
  'process.apparmorProfile': by(
    apparmor("confines the container's process and what exec adds, with no_new_privs true"),
    apparmor('fails create, and exec, where no such profile is loaded'),
  ),
  'process.selinuxLabel': by(
    apparmor('fails create and exec in runc’s words'),
    simulated('with labels of both modules, on v2'),
  ),
  'linux.netDevices.*.name': by(
    devices('get another name inside, or one that the kernel makes of a template'),
    devices('go with their name, addresses and attributes, and are up'),
  ),
  ...under(
    'linux.intelRdt',
    ['l3CacheSchema', 'memBwSchema', 'schemata[]'],
    by(resctrl('gives a container a group of its name, with its limits, and takes it away')),
  ),
  ...under(
    'linux.intelRdt',
    ['closID', 'enableMonitoring'],
    by(resctrl('leaves a group that was there, and takes away what counts for the container alone')),
  ),
};
