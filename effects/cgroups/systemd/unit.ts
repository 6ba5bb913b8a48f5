/** The systemd unit that a container becomes, and the cgroup that it will have therefore. Pure. */

import type { CgroupRecord } from '../../../spec/record.ts';
import { CgroupError } from '../error.ts';
import type { CgroupPlanInput } from '../paths.ts';

interface SystemdUnit {
  /** The slice that the container's unit becomes part of; empty for systemd's default. */
  readonly slice: string;
  /** `prefix-name.scope`, or the name of a slice. */
  readonly name: string;
}

/**
 * The unit that `linux.cgroupsPath` names as `slice:prefix:name`, or runc's default for a container's id.
 * @throws CgroupError where the path has another form
 */
export function unitOf(cgroupsPath: string | undefined, id: string): SystemdUnit {
  if (!cgroupsPath) return { slice: '', name: unitName('runc', id) };
  const [slice, prefix, name, more] = cgroupsPath.split(':');
  if (slice === undefined || prefix === undefined || name === undefined || more !== undefined)
    throw new CgroupError(
      'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, ' +
        `got ${JSON.stringify(cgroupsPath)} instead`,
    );
  return { slice, name: unitName(prefix, name) };
}

const unitName = (prefix: string, name: string): string => (name.endsWith('.slice') ? name : `${prefix}-${name}.scope`);

/**
 * The path of a slice below the hierarchy's root, systemd.slice(5): `a-b.slice` → `/a.slice/a-b.slice`.
 * The path of the root slice is the empty string.
 */
function expandSlice(slice: string): string {
  const stem = slice.endsWith('.slice') && !slice.includes('/') ? slice.slice(0, -'.slice'.length) : '';
  if (stem === '-') return '';
  const parts = stem.split('-');
  if (parts.includes('')) throw new CgroupError(`invalid slice name: ${slice}`);
  return parts.map((_, i) => `/${parts.slice(0, i + 1).join('-')}.slice`).join('');
}

/**
 * Where the cgroup of the container's unit will be.
 * @param controllers of v1 that a container joins.
 * @throws CgroupError
 */
export function planSystemdCgroup(input: CgroupPlanInput, controllers: readonly string[]): CgroupRecord {
  const { layout, rootless } = input;
  const { slice, name } = unitOf(input.cgroupsPath, input.id);
  if (layout.mode === 'v2' && layout.unified) {
    const { mountpoint, own } = layout.unified;
    const manager = rootless ? userManager(input, mountpoint, own) : mountpoint;
    const unified = `${manager}${expandSlice(slice || (rootless ? 'user.slice' : 'system.slice'))}/${name}`;
    return { layout: 'v2', driver: 'systemd', unit: name, paths: { unified } };
  }
  if (rootless) throw new CgroupError('cannot use rootless systemd cgroups manager on cgroup v1');
  const inner = `${expandSlice(slice || 'system.slice')}/${name}`;
  const paths: Record<string, string> = {};
  for (const hierarchy of layout.hierarchies)
    for (const controller of hierarchy.controllers)
      if (controllers.includes(controller)) paths[controller] = hierarchy.mountpoint + inner;
  if (paths.devices === undefined) throw new CgroupError('mountpoint for devices not found');
  if (layout.unified) paths.unified = layout.unified.mountpoint + inner;
  return { layout: layout.mode, driver: 'systemd', unit: name, paths };
}

/**
 * The cgroup of an ordinary user's manager. Without an answer of the manager, the path of this process tells it: the
 * manager's units are below user@UID.service.
 */
function userManager({ managerCgroup }: CgroupPlanInput, mountpoint: string, own: string): string {
  if (managerCgroup !== undefined) return mountpoint + (managerCgroup === '/' ? '' : managerCgroup);
  return /^.*?\/user@\d+\.service(?=\/|$)/.exec(own)?.[0] ?? mountpoint;
}
