/** Why a mount could not be made: the kernel says EINVAL, ENOENT or EPERM of its source, its mount point and itself. */

import { ERRNO } from '../../native/constants/errno.ts';
import { S } from '../../native/constants/files.ts';
import type { SyscallError } from '../../native/kernel/perform.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { Config, Mount, NamespaceType } from '../../spec/types.ts';
import { hasNamespace } from '../namespaces/plan.ts';
import { mappingsOf } from '../namespaces/user/mappings.ts';
import { mountPoint } from './access.ts';
import type { Cause } from './cause.ts';
import { hostRoot, type Root, rootfs, type Scene } from './scene.ts';
import { shown } from './shown.ts';
import { type Place, type Walk, walk } from './walk.ts';

/** A mount of the config, and its name there: `mounts[3]`. */
interface Configured {
  readonly mount: Mount;
  readonly name: string;
}

/**
 * @param at where it was to be mounted, in the container
 * @param failed the call
 * @param message of the error
 * @throws SyscallError where nothing can be looked up
 */
export function whyNotMounted(scene: Scene, at: string, failed: SyscallError, message: string): Cause | undefined {
  const found = configured(scene.record.config, at);
  const { call, errno } = failed;
  if (call.name === 'open_tree') return whyNoSource(scene, found, call.args[1]);
  if (['openat2', 'mkdirat', 'mknodat'].includes(call.name)) return whyNoMountPoint(scene, at, found, errno);
  if (call.name === 'move_mount' && errno === ERRNO.EINVAL) return whyNotAttached(scene, at, found);
  return found && (whyNoFileSystem(scene, found, errno) ?? whyNoDevice(scene, found, errno) ?? said(found, message));
}

/** What the file system itself said stands in brackets at the end of the error. */
function said({ name }: Configured, message: string): Cause | undefined {
  const [, words] = /: E[A-Z]+: [^()]*\((.+)\)$/.exec(message) ?? [];
  return words === undefined
    ? undefined
    : { why: `the file system says: ${words}`, advice: `Correct ${name} in config.json`, isSaid: true };
}

/** A file system on a device: its source is a path of the host. */
function whyNoDevice(scene: Scene, found: Configured, errno: number): Cause | undefined {
  return errno === ERRNO.ENOENT && found.mount.source?.startsWith('/')
    ? whyNoSource(scene, found, found.mount.source)
    : undefined;
}

function configured({ mounts = [] }: Config, at: string): Configured | undefined {
  const index = mounts.findLastIndex(({ destination }) => cleanInside(destination) === at);
  const mount = mounts[index];
  return mount && { mount, name: `mounts[${index}]` };
}

function whyNoSource({ local, record }: Scene, found: Configured | undefined, path: unknown): Cause | undefined {
  if (typeof path !== 'string' || path === '') return undefined;
  const root = hostRoot(local);
  using _ = root.directory;
  const way = walk(local, root, path);
  if (way.end === undefined) return undefined;
  const member = found === undefined ? 'the source' : `${found.name}.source`;
  const advice = `Make it on the host, or correct ${member} in config.json`;
  const relative = found?.mount.source?.startsWith('/') === false;
  const from = relative ? `, taken from the bundle ${shown(record.bundle)},` : '';
  return { why: `${member}${from} ${whereItEnds(way, path, 'on the host')}`, advice, path };
}

/** `/no/such is not on the host: there is no /no`. */
function whereItEnds({ end, link }: Walk, path: string, where: string): string {
  if (end === undefined) return shown(path);
  if (end.errno === ERRNO.ENOTDIR) return `leads through ${shown(end.path)}, which is a file`;
  if (end.errno === ERRNO.EACCES)
    return `leads through a directory that this user may not enter, to ${shown(end.path)}`;
  if (end.errno === ERRNO.ELOOP) return 'leads through too many symlinks';
  if (link !== undefined) return `leads by the symlink ${shown(link.path)} to ${shown(link.target)}, which is missing`;
  return `is missing ${where}${end.path === path ? '' : `: there is no ${shown(end.path)}`}`;
}

function whyNoMountPoint(scene: Scene, at: string, found: Configured | undefined, errno: number): Cause | undefined {
  const root = rootfs(scene);
  using _ = root.directory;
  const way = walk(scene.local, root, at);
  const last = way.places.at(-1);
  const member = found === undefined ? 'the destination' : `${found.name}.destination`;
  if (errno === ERRNO.ENOTDIR) {
    const file = way.found?.path ?? (way.end?.errno === ERRNO.ENOTDIR ? way.end.path : undefined);
    if (file === undefined) return undefined;
    return way.found === undefined
      ? { why: `${shown(file)}, on the way to the mount point, is a file`, advice: `Correct ${member}`, path: file }
      : {
          why: `the mount point ${shown(file)} is a file, and what is mounted there is a directory`,
          advice: `Mount it on a directory, or a file on that file: correct ${member} or its source`,
          path: file,
        };
  }
  if (errno === ERRNO.EROFS && last !== undefined) return whyReadOnly(scene, root, last, at);
  if (errno === ERRNO.ENOENT && last !== undefined && way.end?.errno === ERRNO.ENOENT)
    return {
      why: `the mount point cannot be made in ${shown(last.path)}${onMount(scene, root, last)}`,
      advice: `Let ${member} be a path that is there`,
      path: way.end.path,
    };
  if (errno === ERRNO.ELOOP && way.link !== undefined)
    return {
      why: `${shown(way.link.path)} is a symlink, to ${shown(way.link.target)}`,
      advice: `Let ${member} lead through directories only`,
      path: way.link.path,
    };
  return undefined;
}

function whyReadOnly(scene: Scene, root: Root, parent: Place, at: string): Cause {
  const rest = parent.readonly ? `, is read-only${onMount(scene, root, parent)}` : ', is on a read-only file system';
  return {
    why:
      `the mount point ${shown(at)} is not there, and the directory that it would be made in, ` +
      `${shown(parent.path)}${rest}`,
    advice: 'Make the mount point beforehand in what is mounted there, or mount that without ro',
    path: at,
  };
}

function onMount({ local }: Scene, root: Root, { mount, path }: Place): string {
  const point = mountPoint(local, root.seenBy, mount);
  return point === undefined || point === '/' || point.endsWith(path) ? '' : `, which is in the mount ${shown(point)}`;
}

/** The error's own words say what is wrong. */
function whyNotAttached(scene: Scene, at: string, found: Configured | undefined): Cause | undefined {
  const root = rootfs(scene);
  using _ = root.directory;
  const place = walk(scene.local, root, at).found;
  if (place?.type !== S.IFDIR) return undefined;
  return {
    why:
      `the mount point ${shown(place.path)} is a directory, and ` +
      `${shown(found?.mount.source ?? 'the source')} is a file`,
    advice: `Mount it on a file: correct ${found === undefined ? 'the destination' : `${found.name}.destination`}`,
    path: place.path,
    isSaid: true,
  };
}

/** What a file system belongs to: only whoever owns that may mount one. */
const OWNERS: Readonly<Record<string, NamespaceType>> = {
  sysfs: 'network',
  proc: 'pid',
  mqueue: 'ipc',
  cgroup: 'cgroup',
  cgroup2: 'cgroup',
};

/** What the kernel lets a user namespace mount. */
const ALLOWED: readonly string[] = [
  'tmpfs',
  'proc',
  'sysfs',
  'devpts',
  'mqueue',
  'cgroup',
  'cgroup2',
  'overlay',
  'ramfs',
];

function whyNoFileSystem({ record }: Scene, { mount, name }: Configured, errno: number): Cause | undefined {
  const { config } = record;
  const type = mount.type ?? '';
  if (errno === ERRNO.ENODEV)
    return {
      why: `this kernel has no file system ${shown(type)}`,
      advice:
        `Correct ${name}.type, or load its module (modprobe ${shown(type)}); /proc/filesystems has those ` +
        'that are there',
    };
  if (!hasNamespace(config, 'user')) return undefined;
  if (errno === ERRNO.EINVAL) return whyUnmapped(config, mount, name);
  if (errno !== ERRNO.EPERM) return undefined;
  const owner = OWNERS[type];
  if (owner !== undefined && !hasNamespace(config, owner))
    return {
      why: `${type} of the host's ${owner} namespace may not be mounted in a user namespace`,
      advice: `Add { "type": "${owner}" } to linux.namespaces, or bind the host's own ${type}`,
    };
  if (type === 'proc' || type === 'sysfs')
    return {
      why: `the kernel lets a user namespace mount ${type} only where the host's own has no mounts on it`,
      advice:
        `Run it where nothing covers parts of /${type === 'proc' ? 'proc' : 'sys'}, or bind the host's own ` +
        `${type}`,
    };
  if (ALLOWED.includes(type)) return undefined;
  return {
    why: `the kernel lets no user namespace mount ${shown(type)}`,
    advice: 'Mount it on the host, and bind it',
  };
}

/** devpts and tmpfs take ids of the container, which have to be mapped. */
function whyUnmapped(config: Config, { options = [] }: Mount, name: string): Cause | undefined {
  const { uid, gid } = mappingsOf(config);
  for (const [index, option] of options.entries()) {
    const [, kind, text] = /^(uid|gid)=(\d+)$/.exec(option) ?? [];
    if (kind === undefined) continue;
    const mappings = kind === 'uid' ? uid : gid;
    const id = Number(text);
    if (mappings.some(({ containerID, size }) => id >= containerID && id - containerID < size)) continue;
    return {
      why: `the ${kind} ${id} is not mapped in the container's user namespace`,
      advice: `Map it in linux.${kind}Mappings, or take ${name}.options[${index}] away`,
    };
  }
  return undefined;
}
