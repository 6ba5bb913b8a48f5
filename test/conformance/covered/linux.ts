import { by, type Covered, testsIn, under, withoutEffect } from '../registry.ts';

const userns = testsIn('integration/userns.test.ts');
const rootless = testsIn('integration/userns-rootless.test.ts');
const namespaces = testsIn('integration/namespaces.test.ts');
const timens = testsIn('integration/timens.test.ts');
const devices = testsIn('integration/devices.test.ts');
const rootfs = testsIn('integration/rootfs.test.ts');
const cgroups = testsIn('integration/cgroups-container.test.ts');
const layout = testsIn('effects/cgroups/layout.test.ts');
const program = testsIn('integration/process.test.ts');
const network = testsIn('integration/net-devices.test.ts');
const resctrl = testsIn('integration/resctrl.test.ts');
const rules = testsIn('spec/rules.test.ts');
const mounts = testsIn('effects/mounts/plan.test.ts');

const MAPPING = ['containerID', 'hostID', 'size'];
const mapped = by(
  userns('maps users and groups each by their own lines'),
  rootless('gets his subordinate ids by newuidmap and newgidmap'),
);

export const LINUX: Covered = {
  ...under('linux.uidMappings[]', MAPPING, mapped),
  ...under('linux.gidMappings[]', MAPPING, mapped),
  'linux.sysctl.*': by(namespaces('sysctls are those of the container’s namespaces, and never the host’s')),
  'linux.cgroupsPath': by(
    cgroups('the container is in the cgroup that cgroupsPath names'),
    layout('the directories of a planned cgroup'),
    layout('the cgroups of systemd units'),
  ),
  'linux.namespaces[].type': by(
    namespaces('each namespace is a new one'),
    timens('is made without offsets, and left alone where it is not listed'),
    userns('owns the namespaces that are made with it'),
  ),
  'linux.namespaces[].path': by(
    namespaces('a namespace with a path is joined'),
    timens('is joined by path'),
    userns('is joined by a second container, with the network namespace that it owns'),
  ),
  ...under(
    'linux.devices[]',
    ['type', 'path', 'major', 'minor', 'fileMode', 'uid', 'gid'],
    by(devices('devices of the config are made with their type, permissions and owner, instead of a default one too')),
  ),
  'linux.netDevices.*.name': by(
    network('go with their name, addresses and attributes, and are up'),
    network('get another name inside, or one that the kernel makes of a template'),
  ),
  ...under(
    'linux.intelRdt',
    ['closID', 'schemata[]', 'l3CacheSchema', 'memBwSchema', 'enableMonitoring'],
    by(
      resctrl('gives a container a group of its name, with its limits, and takes it away'),
      resctrl('leaves a group that was there, and takes away what counts for the container alone'),
    ),
  ),
  'linux.rootfsPropagation': by(
    rootfs('the root has the propagation of the config, and the container’s own mounts stay off the host'),
  ),
  'linux.maskedPaths[]': by(
    rootfs('masked files are empty, masked directories too, and what is not there needs no mask'),
  ),
  'linux.readonlyPaths[]': by(rootfs('read-only paths are read-only with everything that is mounted below')),
  'linux.mountLabel': by(mounts('new file systems get the label, but not those with labels of their own')),
  'linux.personality.domain': by(program('the process has the personality and the oom score of the config')),
  'linux.personality.flags[]': withoutEffect(
    'the specification defines none; a warning',
    rules('warn, in runc’s words, of what is taken nevertheless'),
  ),
  ...under('linux.timeOffsets.boottime', ['secs', 'nanosecs'], by(timens('has its offsets'))),
  ...under('linux.timeOffsets.monotonic', ['secs', 'nanosecs'], by(timens('has its offsets'))),
};
