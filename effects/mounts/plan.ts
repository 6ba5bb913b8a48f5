/** What is mounted where, decided before anything is mounted: config.json and facts about the host become steps. */

import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { isBindMount } from '../../spec/mount-options.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { Mount } from '../../spec/types.ts';
import type { Placeholder } from '../rootfs/in-root.ts';
import { type AttributeChange, type MountOptions, parseMountOptions } from './options.ts';

interface Placed {
  /** Where, inside of the rootfs. */
  readonly at: string;
  readonly placeholder: Placeholder;
  readonly propagation: MountOptions['propagation'];
}

/** A new instance of a file system. */
export interface FilesystemStep extends Placed {
  readonly step: 'filesystem';
  readonly type: string;
  readonly source: string;
  readonly parameters: MountOptions['parameters'];
  readonly attributes: number;
  /** No symlink may lead to the mount point: it is to be where the config says (CVE-2019-19921, CVE-2023-27561). */
  readonly ordinary: boolean;
  /** It takes the permissions of the directory that it covers, where that was there before, as runc's tmpfs does. */
  readonly keepsMode: boolean;
}

/** A tree of the host's, as it is seen before pivot_root. */
export interface BindStep extends Placed {
  readonly step: 'bind';
  readonly source: string;
  readonly recursive: boolean;
  readonly attributes: AttributeChange;
  readonly attributesBelow: AttributeChange;
  /** In the init: the source's detached tree, where the host's side has opened it. */
  readonly tree?: number;
}

/** A symlink between the controllers' directories of a cgroup v1 mount. */
export interface SymlinkStep {
  readonly step: 'symlink';
  readonly at: string;
  readonly target: string;
}

/** Attributes of a mount that an earlier step made: what could not be read-only while it was being filled. */
export interface AttributesStep {
  readonly step: 'attributes';
  readonly at: string;
  readonly attributes: AttributeChange;
}

export type MountStep = FilesystemStep | BindStep | SymlinkStep | AttributesStep;

export interface MountFacts {
  /** Paths that are bound and are not directories. */
  readonly files: ReadonlySet<string>;
  readonly cgroup: CgroupRecord | undefined;
  /** The container has a cgroup namespace of its own. */
  readonly cgroupNamespace: boolean;
}

export function planMounts(mounts: readonly Mount[], facts: MountFacts): readonly MountStep[] {
  const placed = mounts.map((mount) => ({ ...mount, destination: cleanInside(mount.destination) }));
  const closing = placed.filter((mount, i) => placed.slice(i + 1).every((later) => !covers(later, mount)));
  return [...placed.flatMap((mount) => planMount(mount, facts)), ...closing.flatMap(planClosing)];
}

const covers = (later: Mount, mount: Mount): boolean =>
  mount.destination === later.destination || mount.destination.startsWith(`${later.destination.replace(/\/$/, '')}/`);

/** A new tmpfs that is to be read-only takes the mount points of what is mounted in it first; /dev its devices too. */
const isFilledFirst = (mount: Mount): boolean =>
  !isBindMount(mount) && (mount.type === 'tmpfs' || mount.destination === '/dev');

/**
 * File systems with one instance for the whole host, which such a parameter could reconfigure (get_tree_single_reconf):
 * there only the mount is read-only.
 */
const SINGLE: ReadonlySet<string> = new Set([
  ...['configfs', 'debugfs', 'devtmpfs', 'efivarfs', 'fusectl', 'pstore', 'securityfs', 'selinuxfs', 'tracefs'],
]);

/** Of a new file system, below which nothing is mounted yet. */
const setOn = ({ attributes, recursive }: MountOptions): number => attributes.set | recursive.set;

function planClosing(mount: Mount): readonly AttributesStep[] {
  const set = setOn(parseMountOptions(mount.options ?? []));
  const closes = isFilledFirst(mount) && mount.destination !== '/dev' && (set & MOUNT_ATTR.RDONLY) !== 0;
  return closes
    ? [{ step: 'attributes', at: mount.destination, attributes: { set: MOUNT_ATTR.RDONLY, clear: 0 } }]
    : [];
}

function planMount(mount: Mount, facts: MountFacts): readonly MountStep[] {
  const options = parseMountOptions(mount.options ?? []);
  const type = mount.type ?? 'none';
  if (type === 'cgroup' || type === 'cgroup2') return planCgroupMount(mount, options, facts);
  if (isBindMount(mount)) return [planBind(mount, options, facts)];
  const set = setOn(options);
  const readOnly = (set & MOUNT_ATTR.RDONLY) !== 0 && !isFilledFirst(mount);
  return [
    {
      step: 'filesystem',
      type,
      source: mount.source ?? type,
      // As by mount(2): a new file system is read-only itself, and not only where it is mounted.
      parameters: readOnly && !SINGLE.has(type) ? [...options.parameters, ['ro', undefined]] : options.parameters,
      attributes: readOnly ? set : set & ~MOUNT_ATTR.RDONLY,
      ordinary: type === 'proc' || type === 'sysfs',
      keepsMode: type === 'tmpfs' && !options.parameters.some(([key]) => key === 'mode'),
      at: mount.destination,
      placeholder: 'directory',
      propagation: options.propagation,
    },
  ];
}

function planBind(mount: Mount, options: MountOptions, facts: MountFacts): BindStep {
  const source = mount.source ?? '';
  return {
    step: 'bind',
    source,
    recursive: options.bind === 'rbind',
    attributes: options.attributes,
    attributesBelow: options.recursive,
    at: mount.destination,
    placeholder: facts.files.has(source) ? 'file' : 'directory',
    propagation: options.propagation,
  };
}

/**
 * A `cgroup` mount shows the container its own cgroup only. On v2, and in a cgroup namespace, the file system itself does;
 * elsewhere the container's directories are bound. On v1 (and hybrid) that is a tmpfs with a directory a controller.
 */
function planCgroupMount(mount: Mount, options: MountOptions, facts: MountFacts): readonly MountStep[] {
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
    const unified = cgroup.paths.unified;
    if (facts.cgroupNamespace)
      return [
        {
          step: 'filesystem',
          type: 'cgroup2',
          source: 'cgroup',
          parameters: [],
          attributes: attributes.set,
          ordinary: false,
          keepsMode: false,
          ...placed,
        },
      ];
    return unified === undefined ? [] : [{ ...bind(unified, mount.destination), ...placed }];
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
