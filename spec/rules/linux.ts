import type { Config } from '../config/config.ts';
import type { Linux } from '../config/linux/linux.ts';
import type { Problem } from '../problem.ts';

/** What remains of config-linux.md: devices, network devices, resctrl, memory policy, personality. */
export function* linuxProblems({ linux = {} }: Config): Generator<Problem> {
  yield* deviceProblems(linux);
  yield* netDeviceProblems(linux);
  yield* tuningProblems(linux);
  yield* memoryPolicyProblems(linux);
}

function* deviceProblems({ devices = [], resources = {} }: Linux): Generator<Problem> {
  for (const [index, { path, type, major, minor }] of devices.entries()) {
    const at = ['linux', 'devices', index];
    if (path === '' || path.includes('\0')) yield { path: [...at, 'path'], reason: 'must be a path' };
    if (type === 'p') continue;
    // runc makes a device 0:0 of it, which nobody can have meant.
    if (major === undefined) yield { path: [...at, 'major'], reason: `required for a device of type ${type}` };
    if (minor === undefined) yield { path: [...at, 'minor'], reason: `required for a device of type ${type}` };
  }
  for (const [index, { type, access }] of (resources.devices ?? []).entries()) {
    const at = ['linux', 'resources', 'devices', index];
    if (type && !/^[abc]$/.test(type)) {
      yield { path: [...at, 'type'], reason: `invalid cgroup device type ${JSON.stringify(type)}` };
    }
    if (access && !/^[rwm]*$/.test(access)) {
      yield { path: [...at, 'access'], reason: `invalid device permissions ${JSON.stringify(access)}` };
    }
  }
}

/** As the kernel's dev_valid_name() (net/core/dev.c); IFNAMSIZ is 16 with the closing zero. */
function isInterfaceName(name: string): boolean {
  return name.length < 16 && name !== '.' && name !== '..' && /^[^/:\s\0]+$/.test(name);
}

function* netDeviceProblems({ netDevices = {} }: Linux): Generator<Problem> {
  for (const [outside, { name }] of Object.entries(netDevices)) {
    for (const candidate of [outside, name]) {
      if (candidate === undefined || candidate === '' || isInterfaceName(candidate)) continue;
      const reason = `invalid network device name ${JSON.stringify(candidate)}`;
      yield { path: ['linux', 'netDevices', outside], reason };
    }
    if (outside === '') yield { path: ['linux', 'netDevices', outside], reason: 'invalid network device name ""' };
  }
}

function* tuningProblems({ intelRdt, personality }: Linux): Generator<Problem> {
  const { closID = '', schemata = [] } = intelRdt ?? {};
  if (closID === '.' || closID === '..' || (closID.length > 1 && closID.includes('/'))) {
    yield { path: ['linux', 'intelRdt', 'closID'], reason: `invalid intelRdt.ClosID ${JSON.stringify(closID)}` };
  }
  for (const [index, line] of schemata.entries()) {
    if (line.includes('\n')) {
      yield { path: ['linux', 'intelRdt', 'schemata', index], reason: 'must not contain newlines' };
    }
  }
  if (personality && !personality.domain) {
    yield { path: ['linux', 'personality', 'domain'], reason: 'invalid personality domain' };
  }
}

function* memoryPolicyProblems({ memoryPolicy }: Linux): Generator<Problem> {
  if (!memoryPolicy) return;
  const at = ['linux', 'memoryPolicy'];
  const { mode, nodes = '' } = memoryPolicy;
  if (mode === undefined) yield { path: [...at, 'mode'], reason: 'invalid memory policy mode ""' };
  const some = nodes.trim() !== '';
  if ((mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL') && some) {
    yield { path: [...at, 'nodes'], reason: 'memory policy mode requires 0 nodes' };
  }
  // The kernel's MPOL_PREFERRED alone takes both.
  if (mode && !some && !['MPOL_DEFAULT', 'MPOL_LOCAL', 'MPOL_PREFERRED'].includes(mode)) {
    yield { path: [...at, 'nodes'], reason: 'memory policy mode requires at least one node but got 0' };
  }
}
