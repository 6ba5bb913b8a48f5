/** Why namespaces could not be made or joined, and ids not be mapped. */

import { ERRNO } from '../../native/constants/errno.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { SyscallError } from '../../native/kernel/perform.ts';
import type { IDMapping } from '../../spec/types.ts';
import { hasNamespace, makesNamespace, NAMESPACE_TYPES, planNamespaces } from '../namespaces/plan.ts';
import { mappingsOf } from '../namespaces/user/mappings.ts';
import { readSmallFile } from '../paths/proc.ts';
import type { Cause } from './cause.ts';
import { hostRoot, type Scene } from './scene.ts';
import { shown } from './shown.ts';
import { walk } from './walk.ts';

/** @param errno of the clone3 or unshare that was to make them */
export function whyNoNamespaces({ local, record: { config, owner } }: Scene, errno: number): Cause | undefined {
  const withUser = makesNamespace(config, 'user');
  if (errno === ERRNO.EPERM) return withUser ? whyNoUserNamespace(local) : whyNeedsRoot(owner);
  if (errno === ERRNO.ENOSPC || errno === ERRNO.EUSERS) return whyTooMany(local, config);
  if (errno === ERRNO.EINVAL)
    return {
      why: 'this kernel does not know one of the namespaces in linux.namespaces',
      advice: 'Leave that type out; /proc/self/ns has those that the kernel knows',
    };
  if (errno === ERRNO.EAGAIN)
    return {
      why: 'there are as many processes as a limit allows (RLIMIT_NPROC, pids.max of a cgroup above, kernel.pid_max)',
      advice: 'Raise that limit, or end processes',
    };
  return undefined;
}

const whyNeedsRoot = (owner: number): Cause => ({
  why: `uid ${owner} may make no namespaces without a user namespace`,
  advice: 'Run it as root, or add { "type": "user" } to linux.namespaces with mappings (runchart spec --rootless)',
});

/** Sysctls by which hosts forbid user namespaces: the file, and the value that forbids. */
const FORBIDDING = [
  { name: 'kernel.unprivileged_userns_clone', forbids: '0' },
  { name: 'kernel.apparmor_restrict_unprivileged_userns', forbids: '1' },
  { name: 'user.max_user_namespaces', forbids: '0' },
] as const;

function whyNoUserNamespace(local: Kernel): Cause {
  const set = FORBIDDING.find(({ name, forbids }) => sysctl(local, name) === forbids);
  return set === undefined
    ? {
        why: 'something denies user namespaces here: a seccomp profile, a security module, or a chroot',
        advice: 'Run it outside of that container or sandbox, or as root without a user namespace',
      }
    : {
        why: `the host forbids user namespaces: ${set.name} is ${set.forbids}`,
        advice: `Have root change it: sysctl -w ${set.name}=${set.forbids === '0' ? '…' : '0'}`,
      };
}

function sysctl(local: Kernel, name: string): string | undefined {
  try {
    return readSmallFile(local, `/proc/sys/${name.replace(/\./g, '/')}`).trim();
  } catch {
    return undefined;
  }
}

/** The names in /proc/sys/user/. */
const COUNTED: Readonly<Record<string, string>> = {
  mount: 'mnt',
  network: 'net',
};

function whyTooMany(local: Kernel, config: Parameters<typeof planNamespaces>[0]): Cause {
  const limits = NAMESPACE_TYPES.filter((type) => makesNamespace(config, type)).map((type) => {
    const name = `user.max_${COUNTED[type] ?? type}_namespaces`;
    return { name, value: sysctl(local, name) };
  });
  const low = limits.filter(({ value }) => value !== undefined).sort((a, b) => Number(a.value) - Number(b.value))[0];
  return {
    why: `a limit on namespaces is reached${low ? `; the lowest is ${low.name} = ${low.value}` : ''}`,
    advice: 'Delete containers that nobody needs, or have root raise the limit by sysctl',
  };
}

/** @param failed the open of a namespace's path, or the setns that was to join it */
export function whyNotJoined({ local, record }: Scene, failed: SyscallError): Cause | undefined {
  const [, path] = failed.call.args;
  if (failed.call.name === 'openat' && typeof path === 'string') {
    const joined = planNamespaces(record.config).joined.find((one) => one.path === path);
    if (joined === undefined) return undefined;
    const root = hostRoot(local);
    using _ = root.directory;
    const { end } = walk(local, root, path);
    if (end?.errno !== ERRNO.ENOENT) return undefined;
    return {
      why:
        `the ${joined.type} namespace that linux.namespaces names, ${shown(path)}, is missing: there is no ` +
        `${shown(end.path)}`,
      advice: 'Make it before the container (ip netns add, or the process that it belongs to), or correct the path',
      path,
    };
  }
  if (failed.errno === ERRNO.EPERM)
    return {
      why: 'that namespace belongs to a user namespace in which this process has no rights',
      advice: 'Join its user namespace as well, or run this as the user who made it',
    };
  if (failed.errno === ERRNO.EINVAL)
    return { why: 'the path leads to a namespace of another type, or to none', advice: 'Correct the path' };
  return undefined;
}

/** @param kind of the id that setresuid or setresgid refused */
export function whyUnmappedId({ record: { config }, process }: Scene, kind: 'uid' | 'gid'): Cause | undefined {
  if (!hasNamespace(config, 'user')) return undefined;
  const mapped = mappingsOf(config)[kind];
  const id = process?.user?.[kind] ?? 0;
  return {
    why: `linux.${kind}Mappings ${mapped.length === 0 ? 'maps none' : `maps ${mapped.map(range).join(', ')}`}`,
    advice: `Map ${id} too, or choose another process.user.${kind}`,
  };
}

const range = ({ containerID, size }: IDMapping): string =>
  size === 1 ? `${containerID} only` : `${containerID} to ${containerID + size - 1}`;

/** @param message of a write to uid_map or gid_map, or of newuidmap and newgidmap */
export function whyNotMapped({ local, record }: Scene, message: string): Cause | undefined {
  const [, tool] = /\b(newuidmap|newgidmap) \d/.exec(message) ?? [];
  if (tool !== undefined) return whyNotGranted(local, record.owner, tool === 'newuidmap' ? 'uid' : 'gid');
  const [, kind, errno] = /\/proc\/\d+\/([ug]id)_map: (\w+)/.exec(message) ?? [];
  if (kind === undefined) return undefined;
  if (errno === 'EPERM')
    return {
      why:
        'this process may not map these ids: it is itself in a user namespace that has fewer, or lacks ' +
        `CAP_SET${kind.toUpperCase()}`,
      advice: `Map only ids that /proc/self/${kind}_map has`,
    };
  if (errno === 'EINVAL')
    return {
      why: `the mappings overlap, or are more than the kernel takes (340), or have a size of 0`,
      advice: `Correct linux.${kind}Mappings`,
    };
  return undefined;
}

/** What /etc/subuid or /etc/subgid grants a user. */
function whyNotGranted(local: Kernel, owner: number, kind: 'uid' | 'gid'): Cause | undefined {
  const file = `/etc/sub${kind}`;
  const name = userName(local, owner);
  try {
    const lines = readSmallFile(local, file, 1 << 20).split('\n');
    const granted = lines.flatMap((line) => {
      const [who, first, size] = line.split(':');
      return who === String(owner) || (name !== undefined && who === name) ? [`${size} from ${first} on`] : [];
    });
    return {
      why: `${file} grants user ${name ?? owner} ${granted.length === 0 ? 'none' : granted.join(', ')}`,
      advice: `Have root add a line to ${file} (usermod --add-sub${kind}s), or map only what it grants`,
      path: file,
    };
  } catch {
    return { why: `${file} cannot be read`, advice: `Have root make ${file}`, path: file };
  }
}

function userName(local: Kernel, uid: number): string | undefined {
  try {
    const lines = readSmallFile(local, '/etc/passwd', 1 << 20).split('\n');
    return lines.find((line) => line.split(':')[2] === String(uid))?.split(':')[0];
  } catch {
    return undefined;
  }
}
