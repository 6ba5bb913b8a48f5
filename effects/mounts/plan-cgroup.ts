/** What a mount of type `cgroup` becomes. */

import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { Mount } from '../../spec/types.ts';
import { CGROUP_ROOT } from '../cgroups/layout.ts';
import type { MountFacts } from './facts.ts';
import type { MountOptions } from './options.ts';
import type { BindStep, MountStep, SymlinkStep } from './steps.ts';

/**
 * A `cgroup` mount. On v1 (and hybrid) that is a tmpfs with a directory a controller, and in each the container's own cgroup.
 * On v2 it is the file system itself, which a cgroup namespace has its own root of. With the host's namespace it is all that the host
 * has, as with runc and crun, so that the path of /proc/self/cgroup is there: bound, since mounting it again would reset nsdelegate
 * for the whole host (apply_cgroup_root_flags of the kernel).
 */
export function planCgroupMount(mount: Mount, options: MountOptions, facts: MountFacts): readonly MountStep[] {
  const { cgroup } = facts;
  if (cgroup === undefined) return [];
  const placed = { at: mount.destination, placeholder: 'directory', propagation: options.propagation } as const;
  const attributes = options.attributes;
  const bind = (source: string, at: string): BindStep => ({
    step: 'bind',
    source,
    recursive: true,
    attributes,
    attributesBelow: { set: 0, clear: 0 },
    at,
    placeholder: 'directory',
    propagation: [],
  });
  if (cgroup.layout === 'v2') {
    if (!facts.cgroupNamespace) return [{ ...bind(CGROUP_ROOT, mount.destination), ...placed }];
    const otherwise = { ...bind(cgroup.paths.unified ?? CGROUP_ROOT, mount.destination), ...placed };
    return [
      {
        step: 'filesystem',
        type: 'cgroup2',
        source: 'cgroup',
        parameters: options.parameters,
        attributes: attributes.set,
        ordinary: false,
        keepsMode: false,
        otherwise,
        ...placed,
      },
    ];
  }
  const hierarchies = v1Hierarchies(cgroup.paths);
  return [
    {
      step: 'filesystem',
      type: 'tmpfs',
      source: 'tmpfs',
      parameters: [['mode', '755']],
      attributes: attributes.set & ~MOUNT_ATTR.RDONLY,
      ordinary: false,
      keepsMode: false,
      ...placed,
    },
    ...hierarchies.map(({ directory, data, path }): MountStep => {
      const at = `${mount.destination}/${directory}`;
      if (!facts.cgroupNamespace) return bind(path, at);
      const parameters = data.map((name): readonly [string, string | undefined] =>
        name.startsWith('name=') ? ['name', name.slice(5)] : [name, undefined],
      );
      return {
        step: 'filesystem',
        type: 'cgroup',
        source: 'cgroup',
        parameters,
        attributes: attributes.set,
        ordinary: false,
        keepsMode: false,
        // Of a namespace that somebody else owns.
        otherwise: bind(path, at),
        at,
        placeholder: 'directory',
        propagation: [],
      };
    }),
    ...hierarchies.flatMap(({ directory, data }) =>
      data
        .filter((name) => name !== directory && !name.startsWith('name='))
        .map((name): SymlinkStep => ({ step: 'symlink', at: `${mount.destination}/${name}`, target: directory })),
    ),
    ...((attributes.set & MOUNT_ATTR.RDONLY) !== 0
      ? [{ step: 'attributes', at: mount.destination, attributes: { set: MOUNT_ATTR.RDONLY, clear: 0 } } as const]
      : []),
  ];
}

interface V1Hierarchy {
  /** Its directory in the container: `cpu,cpuacct`, `systemd`. */
  readonly directory: string;
  /** What mount(2) is told: the controllers, or `name=systemd`. */
  readonly data: readonly string[];
  readonly path: string;
}

/** Controllers that share a hierarchy have the same path. */
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
