/** Why a cgroup could not be made, or a limit not be set. */

import { ERRNO } from '../../native/constants/errno.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { type CgroupError, CgroupFileError } from '../cgroups/error.ts';
import { tryRead } from '../cgroups/files.ts';
import { parentOf } from '../paths/in-root.ts';
import type { Cause } from './cause.ts';
import type { Scene } from './scene.ts';
import { hostRoot } from './scene.ts';
import { shown } from './shown.ts';
import { walk } from './walk.ts';

export function whyCgroup(scene: Scene, error: CgroupError): Cause | undefined {
  const hierarchy = /^cannot set (\w+) limit: container could not join or create cgroup$/.exec(error.message)?.[1];
  if (hierarchy !== undefined) return whyNoHierarchy(scene.local, hierarchy);
  if (!(error instanceof CgroupFileError)) return undefined;
  const { errno, path } = error;
  if (/\bmkdir \//.test(error.message)) return whyNotMade(scene, path, errno);
  if (errno === ERRNO.ENOENT || /controller "\w+" not available/.test(error.message))
    return whyNoController(scene.local, path);
  return errno === ERRNO.EINVAL || errno === ERRNO.ERANGE || errno === ERRNO.EACCES || errno === ERRNO.ENOSPC
    ? whyRefused(scene.local, path, errno)
    : undefined;
}

function whyNoHierarchy(local: Kernel, controller: string): Cause {
  const known = controllersOf(tryRead(local, '/proc/cgroups'));
  const state = known.get(controller);
  return {
    why:
      state === undefined
        ? `this kernel has no cgroup controller ${controller}`
        : state
          ? `no cgroup hierarchy with the controller ${controller} is mounted`
          : `the cgroup controller ${controller} is off (cgroup_disable on the kernel's command line)`,
    advice: `Take the ${controller} limit out of linux.resources, or have the host offer that controller`,
  };
}

/** /proc/cgroups: whether each controller is enabled. */
const controllersOf = (text: string | number | undefined): ReadonlyMap<string, boolean> =>
  new Map(
    (typeof text === 'string' ? text : '').split('\n').flatMap((line) => {
      const [name = '', , , enabled] = line.split(/\s+/);
      return name === '' || name.startsWith('#') ? [] : [[name, enabled === '1'] as const];
    }),
  );

function whyNotMade({ local, record }: Scene, directory: string, errno: number): Cause | undefined {
  const root = hostRoot(local);
  using _ = root.directory;
  const above = walk(local, root, directory).places.at(-1);
  if (above === undefined) return undefined;
  if (errno === ERRNO.EROFS)
    return {
      why: `the cgroup file system at ${shown(above.path)} is mounted read-only`,
      advice: 'Run it where cgroups may be written: give this container or sandbox a writable /sys/fs/cgroup',
      path: directory,
    };
  if (errno === ERRNO.EACCES || errno === ERRNO.EPERM)
    return {
      why:
        `${shown(above.path)} belongs to uid ${above.uid}, and this is uid ${record.owner}: no cgroup is ` +
        'delegated to it',
      advice:
        'Let systemd delegate one (--systemd-cgroup, in a session of that user), or leave cgroupsPath and limits out',
      path: directory,
    };
  if (errno === ERRNO.EAGAIN)
    return {
      why: `the limit of cgroups (cgroup.max.descendants, cgroup.max.depth) above ${shown(above.path)} is reached`,
      advice: 'Remove cgroups that nobody needs, or raise that limit',
      path: directory,
    };
  return undefined;
}

/** On v2: at which level a controller is no longer handed down. */
function whyNoController(local: Kernel, file: string): Cause | undefined {
  const [, name = ''] = /\/(\w+)\.[^/]+$/.exec(file) ?? [];
  const levels: string[] = [];
  for (let at = parentOf(file); at.length > 1; at = parentOf(at)) levels.unshift(at);
  const offers = levels.flatMap((path) => {
    const text = tryRead(local, `${path}/cgroup.controllers`);
    return typeof text === 'string' ? [{ path, has: text.trim().split(/\s+/).includes(name) }] : [];
  });
  const top = offers[0];
  if (top === undefined) return undefined;
  const lost = offers.find(({ has }) => !has);
  if (lost === undefined)
    return { why: `this kernel's controller ${name} has no such file`, advice: 'Leave that limit out', path: file };
  return lost === top
    ? {
        why: `${shown(top.path)} does not have the controller ${name}: the kernel lacks it, or v1 has it`,
        advice: `Take the ${name} limits out of linux.resources, or have the host offer that controller`,
        path: file,
      }
    : {
        why: `the controller ${name} is not handed down to ${shown(lost.path)}`,
        advice:
          `Write +${name} to ${shown(parentOf(lost.path))}/cgroup.subtree_control, or have systemd ` +
          'delegate it (Delegate=)',
        path: file,
      };
}

function whyRefused(local: Kernel, file: string, errno: number): Cause | undefined {
  const name = file.slice(file.lastIndexOf('/') + 1);
  const [, kind] = /^cpuset\.(cpus|mems)$/.exec(name) ?? [];
  if (kind !== undefined) {
    const above = parentOf(parentOf(file));
    const has = [`cpuset.${kind}.effective`, `cpuset.effective_${kind}`, `cpuset.${kind}`]
      .map((one) => tryRead(local, `${above}/${one}`))
      .find((text) => typeof text === 'string' && text.trim() !== '');
    if (has === undefined) return undefined;
    const what = kind === 'cpus' ? 'CPUs' : 'memory nodes';
    return {
      why: `the ${what} of the cgroup above, ${shown(above)}, are ${String(has).trim()}`,
      advice: `Choose linux.resources.cpu.${kind} among those`,
      path: file,
    };
  }
  if (errno !== ERRNO.EINVAL) return undefined;
  if (/^cpu\.(cfs_|max$)/.test(name))
    return {
      why:
        'the kernel takes a CPU quota and a period from 1000 µs on, a period up to 1 s, and no quota above ' +
        'that of the cgroup above',
      advice: 'Correct linux.resources.cpu.quota and .period',
      path: file,
    };
  return undefined;
}

/** The kernel ended the init for lack of memory. The error's own words ask about the limit. */
export function whyOutOfMemory({ record }: Scene): Cause | undefined {
  const limit = record.config.linux?.resources?.memory?.limit;
  if (limit === undefined) return undefined;
  return {
    why:
      `linux.resources.memory.limit is ${limit} bytes, and a container takes ${LEAST_MEMORY} before its ` +
      'program runs',
    advice: 'Raise that limit, or -1 for none',
  };
}

/** Measured with the smallest bundle; page tables and sockets of the init count too. */
const LEAST_MEMORY = 'some 300 kB';
