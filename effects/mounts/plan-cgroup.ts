/** Plans a mount of type `cgroup`. */

import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { Mount } from '../../spec/types.ts';
import { CGROUP_ROOT } from '../cgroups/layout.ts';
import type { MountFacts } from './facts.ts';
import type { MountOptions } from './options.ts';
import type { BindStep, FilesystemStep, MountStep, SymlinkStep } from './steps.ts';

/**
 * On v1 (and hybrid) it becomes a tmpfs with a directory for each controller, and in each directory the container's own
 * cgroup. On v2 it becomes the file system itself, which shows a cgroup namespace its own root.
 * In the host's cgroup namespace it shows everything that the host has, as with runc and crun, so that the path of
 * /proc/self/cgroup exists. Then it is a bind: to mount the file system again would reset nsdelegate for the whole host
 * (apply_cgroup_root_flags in the kernel).
 */
export function planCgroupMount(mount: Mount, options: MountOptions, facts: MountFacts): readonly MountStep[] {
  const { cgroup, cgroupNamespace } = facts;
  if (cgroup === undefined) return [];
  return cgroup.layout === 'v2'
    ? [planUnified(mount, options, cgroup, cgroupNamespace)]
    : planLegacy(mount, options, cgroup, cgroupNamespace);
}

function planUnified(mount: Mount, options: MountOptions, cgroup: CgroupRecord, cgroupNamespace: boolean): MountStep {
  const { attributes, parameters, propagation } = options;
  const at = { at: mount.destination, propagation };
  if (!cgroupNamespace) return { ...bindOf(CGROUP_ROOT, attributes), ...at };
  return {
    ...newInstance('cgroup2', 'cgroup', parameters, attributes.set),
    ...at,
    otherwise: { ...bindOf(cgroup.paths.unified ?? CGROUP_ROOT, attributes), ...at },
  };
}

function planLegacy(
  mount: Mount,
  { attributes, propagation }: MountOptions,
  cgroup: CgroupRecord,
  cgroupNamespace: boolean,
): readonly MountStep[] {
  const hierarchies = v1Hierarchies(cgroup.paths);
  const isReadOnly = (attributes.set & MOUNT_ATTR.RDONLY) !== 0;
  return [
    {
      ...newInstance('tmpfs', 'tmpfs', [['mode', '755']], attributes.set & ~MOUNT_ATTR.RDONLY),
      at: mount.destination,
      propagation,
    },
    ...hierarchies.map(({ directory, data, path }): MountStep => {
      const at = { at: `${mount.destination}/${directory}`, propagation: [] };
      const bind = { ...bindOf(path, attributes), ...at };
      if (!cgroupNamespace) return bind;
      // If somebody else owns the cgroup namespace, the kernel permits no new instance. Then the bind serves.
      return { ...newInstance('cgroup', 'cgroup', data.map(parameterOf), attributes.set), ...at, otherwise: bind };
    }),
    ...hierarchies.flatMap(({ directory, data }) =>
      data
        .filter((name) => name !== directory && !name.startsWith('name='))
        .map((name): SymlinkStep => ({ step: 'symlink', at: `${mount.destination}/${name}`, target: directory })),
    ),
    ...(isReadOnly
      ? [{ step: 'attributes', at: mount.destination, attributes: { set: MOUNT_ATTR.RDONLY, clear: 0 } } as const]
      : []),
  ];
}

/** `name=systemd` is a parameter with a value, a controller one without. */
const parameterOf = (name: string): readonly [string, string | undefined] =>
  name.startsWith('name=') ? ['name', name.slice('name='.length)] : [name, undefined];

const bindOf = (source: string, attributes: BindStep['attributes']): Omit<BindStep, 'at' | 'propagation'> => ({
  step: 'bind',
  source,
  recursive: true,
  attributes,
  attributesBelow: { set: 0, clear: 0 },
  placeholder: 'directory',
});

const newInstance = (
  type: string,
  source: string,
  parameters: FilesystemStep['parameters'],
  attributes: number,
): Omit<FilesystemStep, 'at' | 'propagation'> => ({
  step: 'filesystem',
  type,
  source,
  parameters,
  attributes,
  ordinary: false,
  keepsMode: false,
  placeholder: 'directory',
});

interface V1Hierarchy {
  /** Its directory in the container: `cpu,cpuacct`, `systemd`. */
  readonly directory: string;
  /** The parameters of its file system: the controllers, or `name=systemd`. */
  readonly data: readonly string[];
  /** The container's cgroup in it, on the host. */
  readonly path: string;
}

/** The hierarchies of a cgroup's paths: controllers that share one have the same path. */
function v1Hierarchies(paths: CgroupRecord['paths']): readonly V1Hierarchy[] {
  const byPath = new Map<string, string[]>();
  for (const [name, path] of Object.entries(paths)) {
    if (name !== 'unified') byPath.set(path, [...(byPath.get(path) ?? []), name]);
  }
  return [...byPath].map(([path, names]) => ({
    directory: names.map((name) => name.replace(/^name=/, '')).join(','),
    data: names,
    path,
  }));
}
