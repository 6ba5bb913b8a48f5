/** Decides what is mounted where, before anything is mounted: config.json and facts about the host become steps. */

import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import { isBindMount } from '../../spec/mount-options.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { Mount, NamespaceType } from '../../spec/types.ts';
import type { MountFacts } from './facts.ts';
import { type MountOptions, parseMountOptions, unasked } from './options.ts';
import { planCgroupMount } from './plan-cgroup.ts';
import type { AttributesStep, BindStep, FilesystemStep, MountIdmap, MountStep, SymlinkStep } from './steps.ts';

export function planMounts(mounts: readonly Mount[], facts: MountFacts): readonly MountStep[] {
  const cleaned = mounts.map((mount) => ({ ...mount, destination: cleanInside(mount.destination) }));
  return [...cleaned.flatMap((mount) => planMount(mount, facts)), ...visible(cleaned).flatMap(planClosing)];
}

/** The mounts that no later one covers, at their place or above it. In time that grows with their number. */
function visible(mounts: readonly Mount[]): readonly Mount[] {
  const later = new Set<string>();
  return mounts
    .toReversed()
    .filter(({ destination }) => {
      const covered = placesAbove(destination).some((place) => later.has(place));
      later.add(destination);
      return !covered;
    })
    .toReversed();
}

/** A clean path, and all directories above it. */
function placesAbove(path: string): readonly string[] {
  const places = ['/', path];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) places.push(path.slice(0, end));
  return places;
}

/**
 * Whether a new file system has to be writable at first, though the config wants it read-only: mount points are made in
 * a tmpfs, and devices in /dev.
 */
const isFilledFirst = (mount: Mount): boolean =>
  !isBindMount(mount) && (mount.type === 'tmpfs' || mount.destination === '/dev');

/**
 * File systems with one instance for the whole host. The parameter `ro` could reconfigure that (get_tree_single_reconf
 * in the kernel), so only the mount becomes read-only.
 */
const SINGLE: ReadonlySet<string> = new Set([
  ...['configfs', 'debugfs', 'devtmpfs', 'efivarfs', 'fusectl', 'pstore', 'securityfs', 'selinuxfs', 'tracefs'],
]);

/** The attributes of a new file system. Nothing is mounted below it yet, so the recursive ones are its own. */
const setOn = ({ attributes, recursive }: MountOptions): number => attributes.set | recursive.set;

/** Makes it read-only, now that all is mounted in it. /dev follows once its devices are there. */
function planClosing(mount: Mount): readonly AttributesStep[] {
  if (!isFilledFirst(mount) || mount.destination === '/dev') return [];
  const set = setOn(parseMountOptions(mount.options ?? []));
  return (set & MOUNT_ATTR.RDONLY) !== 0
    ? [{ step: 'attributes', at: mount.destination, attributes: { set: MOUNT_ATTR.RDONLY, clear: 0 } }]
    : [];
}

function planMount(mount: Mount, facts: MountFacts): readonly MountStep[] {
  const options = parseMountOptions(mount.options ?? []);
  const type = mount.type ?? 'none';
  if (type === 'cgroup' || type === 'cgroup2') return planCgroupMount(mount, options, facts);
  if (options.remount) return [planRemount(mount, options)];
  if (isBindMount(mount)) return [planLink(mount, options, facts) ?? planBind(mount, options, facts)];
  return [planFilesystem(mount, type, options, facts)];
}

function planRemount(mount: Mount, options: MountOptions): MountStep {
  return {
    step: 'remount',
    at: mount.destination,
    // Without `bind`, `ro` goes to the file system too, as with mount(8).
    parameters: isBindMount(mount) ? undefined : [...options.parameters, ...readOnlyFlag(options)],
    attributes: options.attributes,
    unasked: isBindMount(mount) ? unaskedOfBind(options) : unasked(options.attributes),
    attributesBelow: options.recursive,
    propagation: options.propagation,
  };
}

/** A bind whose options name no attribute keeps those of its source. */
const unaskedOfBind = ({ attributes }: MountOptions): number =>
  (attributes.set | attributes.clear) === 0 ? 0 : unasked(attributes);

function readOnlyFlag({ attributes }: MountOptions): MountOptions['parameters'] {
  if ((attributes.set & MOUNT_ATTR.RDONLY) !== 0) return [['ro', undefined]];
  return (attributes.clear & MOUNT_ATTR.RDONLY) !== 0 ? [['rw', undefined]] : [];
}

/** A message queue file system takes no `context`. The kernel lets no init in a user namespace set its root's label. */
const takesRootLabel = (type: string, { hostNamespaces }: MountFacts): boolean =>
  type === 'mqueue' && hostNamespaces?.has('user') === true;

function planFilesystem(mount: Mount, type: string, options: MountOptions, facts: MountFacts): FilesystemStep {
  const set = setOn(options);
  const readOnly = (set & MOUNT_ATTR.RDONLY) !== 0 && !isFilledFirst(mount);
  const otherwise = planHostInstance(mount, type, options, facts);
  return {
    step: 'filesystem',
    type,
    source: mount.source ?? type,
    parameters: [
      ...options.parameters,
      // The file system is read-only itself, and not only its mount: mount(2) does so.
      ...(readOnly && !SINGLE.has(type) ? ([['ro', undefined]] as const) : []),
      ...(facts.label === undefined || UNLABELED.has(type) ? [] : ([['context', facts.label]] as const)),
    ],
    attributes: readOnly ? set : set & ~MOUNT_ATTR.RDONLY,
    ordinary: type === 'proc' || type === 'sysfs',
    keepsMode: type === 'tmpfs' && !options.parameters.some(([key]) => key === 'mode'),
    ...(options.copyUp && type === 'tmpfs' ? { copiesUp: true } : {}),
    ...(facts.label !== undefined && takesRootLabel(type, facts) ? { rootLabel: facts.label } : {}),
    ...(otherwise === undefined ? {} : { otherwise }),
    at: mount.destination,
    placeholder: 'directory',
    propagation: options.propagation,
  };
}

/** File systems with labels of their own. */
const UNLABELED: ReadonlySet<string> = new Set(['proc', 'sysfs', 'mqueue']);

/** File systems that belong to a namespace: which, and where the host has its instance. */
const HOST_INSTANCES: Readonly<Record<string, { readonly path: string; readonly namespace: NamespaceType }>> = {
  proc: { path: '/proc', namespace: 'pid' },
  sysfs: { path: '/sys', namespace: 'network' },
  mqueue: { path: '/dev/mqueue', namespace: 'ipc' },
};

/**
 * What is bound if the kernel refuses a new instance, as it does in a user namespace that does not own the namespace
 * which the file system belongs to. The host's instance is right if the container shares that namespace with the host.
 * It will do too if the container joins a network namespace: then only the list of interfaces differs. For a joined pid
 * namespace it would show the wrong processes, so there it is not bound.
 */
function planHostInstance(mount: Mount, type: string, options: MountOptions, facts: MountFacts): BindStep | undefined {
  const host = HOST_INSTANCES[type];
  if (host === undefined) return undefined;
  const { path, namespace } = host;
  const joined = namespace === 'network' && facts.joinedNamespaces?.has(namespace);
  if (!facts.hostNamespaces?.has(namespace) && !joined) return undefined;
  const attributes = { set: setOn(options), clear: 0 };
  return {
    step: 'bind',
    source: path,
    recursive: true,
    attributes,
    attributesBelow: attributes,
    at: mount.destination,
    placeholder: 'directory',
    propagation: options.propagation,
  };
}

/** `copy-symlink`: a source that is a link becomes the same link at the destination. */
function planLink(
  { source = '', destination }: Mount,
  options: MountOptions,
  facts: MountFacts,
): SymlinkStep | undefined {
  // What the image says is not ours to copy: it is bound as it is seen from inside.
  const copies = options.links.copy && insideOf(facts.rootfs, source) === undefined;
  const target = copies ? facts.links?.get(source) : undefined;
  return target === undefined ? undefined : { step: 'symlink', at: destination, target, mayExist: true };
}

function planBind(mount: Mount, options: MountOptions, facts: MountFacts): BindStep {
  const source = mount.source ?? '';
  const { source: ofSource, destination } = options.links;
  const isLink = ofSource && facts.links?.has(source) === true;
  const within = insideOf(facts.rootfs, source);
  const idmap = idmapOf(mount, options);
  return {
    step: 'bind',
    source,
    ...(within === undefined ? {} : { within }),
    recursive: options.bind === 'rbind',
    attributes: options.attributes,
    unasked: unaskedOfBind(options),
    attributesBelow: options.recursive,
    ...(idmap === undefined ? {} : { idmap }),
    at: mount.destination,
    placeholder: isLink || facts.files.has(source) ? 'file' : 'directory',
    ...((ofSource || destination) && { nofollow: { source: ofSource, destination } }),
    propagation: options.propagation,
  };
}

/** The path of a source inside the rootfs; undefined if it does not lie there. */
function insideOf(rootfs: string | undefined, source: string): string | undefined {
  if (rootfs === undefined || !source.startsWith('/')) return undefined;
  const [root, path] = [cleanInside(rootfs), cleanInside(source)];
  if (path === root) return '/';
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

function idmapOf({ uidMappings: uid, gidMappings: gid }: Mount, { idmap }: MountOptions): MountIdmap | undefined {
  const recursive = idmap === 'ridmap';
  if (uid !== undefined && gid !== undefined) return { mappings: { uid, gid }, recursive };
  return idmap === 'no' ? undefined : { mappings: undefined, recursive };
}
