import type { Config } from '../config/config.ts';
import type { Linux } from '../config/linux/linux.ts';
import { checkNumberList, countOf } from '../number-list.ts';
import type { Report } from '../problem.ts';

/** The other rules of config-linux.md: devices, network devices, resctrl, memory policy, personality. */
export function checkLinux({ linux = {} }: Config, report: Report): void {
  checkDevices(linux, report);
  checkNetDevices(linux, report);
  checkTuning(linux, report);
  checkMemoryPolicy(linux, report);
}

function checkDevices({ devices = [], resources = {} }: Linux, report: Report): void {
  for (const [index, { path, type, major, minor }] of devices.entries()) {
    const at = ['linux', 'devices', index];
    if (path === '' || path.includes('\0')) report([...at, 'path'], 'must be a path');
    if (type === 'p') continue;
    // runc makes a device 0:0, which nobody can have meant.
    if (major === undefined) report([...at, 'major'], `required for a device of type ${type}`);
    if (minor === undefined) report([...at, 'minor'], `required for a device of type ${type}`);
  }
  for (const [index, { type, access }] of (resources.devices ?? []).entries()) {
    const at = ['linux', 'resources', 'devices', index];
    if (type && !/^[abc]$/.test(type)) {
      report([...at, 'type'], `invalid cgroup device type ${JSON.stringify(type)}`);
    }
    // Unknown letters are ignored beside known ones. In a rule for all devices, letters do not matter.
    if (access && type && type !== 'a' && !/[rwm]/.test(access)) {
      report([...at, 'access'], `invalid device permissions ${JSON.stringify(access)}`);
    }
  }
}

/** The rule of the kernel's dev_valid_name() (net/core/dev.c). IFNAMSIZ is 16, with the NUL. */
function isInterfaceName(name: string): boolean {
  return name.length < 16 && name !== '.' && name !== '..' && /^[^/:\s\0]+$/.test(name);
}

function checkNetDevices({ netDevices = {} }: Linux, report: Report): void {
  const inner = new Set<string>();
  for (const [outside, { name }] of Object.entries(netDevices)) {
    for (const candidate of [outside, name]) {
      if (candidate === undefined || candidate === '' || isInterfaceName(candidate)) continue;
      const reason = `invalid network device name ${JSON.stringify(candidate)}`;
      report(['linux', 'netDevices', outside], reason);
    }
    if (outside === '') report(['linux', 'netDevices', outside], 'invalid network device name ""');
    const inside = name || outside;
    if (inside.includes('%d')) continue;
    if (inner.has(inside)) report(['linux', 'netDevices', outside], `${inside} is the name of two devices`);
    inner.add(inside);
  }
}

function checkTuning({ intelRdt, personality }: Linux, report: Report): void {
  const { closID = '', schemata = [] } = intelRdt ?? {};
  if (closID === '.' || closID === '..' || (closID.length > 1 && closID.includes('/'))) {
    report(['linux', 'intelRdt', 'closID'], `invalid intelRdt.ClosID ${JSON.stringify(closID)}`);
  }
  for (const [index, line] of schemata.entries()) {
    if (line.includes('\n')) {
      report(['linux', 'intelRdt', 'schemata', index], 'must not contain newlines');
    }
  }
  if (personality && !personality.domain) {
    report(['linux', 'personality', 'domain'], 'invalid personality domain');
  }
}

function checkMemoryPolicy({ memoryPolicy }: Linux, report: Report): void {
  if (!memoryPolicy) return;
  const at = ['linux', 'memoryPolicy'];
  const { mode, nodes = '' } = memoryPolicy;
  if (mode === undefined) report([...at, 'mode'], 'invalid memory policy mode ""');
  const mask = checkNumberList(nodes, (reason) =>
    report([...at, 'nodes'], `invalid memory policy nodes ${JSON.stringify(nodes)}: ${reason}`),
  );
  if (mask === undefined) return;
  const count = countOf(mask);
  if ((mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL') && count > 0) {
    report([...at, 'nodes'], `memory policy mode requires 0 nodes but got ${count}`);
  }
  // In the kernel, only MPOL_PREFERRED takes both.
  if (mode && count === 0 && !['MPOL_DEFAULT', 'MPOL_LOCAL', 'MPOL_PREFERRED'].includes(mode)) {
    report([...at, 'nodes'], 'memory policy mode requires at least one node but got 0');
  }
}
