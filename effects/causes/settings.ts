/** Why a setting of the container's process was refused: sysctls, limits, labels, its working directory. */

import { ERRNO } from '../../native/constants/errno.ts';
import { S } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { sysctlPath } from '../../spec/rules/sysctl.ts';
import { readSmallFile } from '../paths/proc.ts';
import { described, mayExecute, userOf } from './access.ts';
import type { Cause } from './cause.ts';
import { containerRoot, type Scene } from './scene.ts';
import { shown } from './shown.ts';
import { walk } from './walk.ts';

/** @param name of the sysctl. @param errno by name */
export function whySysctl(name: string, errno: string | undefined): Cause | undefined {
  const cause = whySysctlRefused(name, errno);
  return cause && { ...cause, path: `/proc/sys/${sysctlPath(name)}` };
}

function whySysctlRefused(name: string, errno: string | undefined): Cause | undefined {
  if (errno === 'ENOENT')
    return {
      why: `this kernel has no sysctl ${shown(name)}, or not in the container's namespaces`,
      advice: `Correct linux.sysctl, or load the module that has it (sysctl ${shown(name)})`,
    };
  if (errno === 'EINVAL' || errno === 'ERANGE')
    return {
      why: `the kernel does not take that value for ${shown(name)}`,
      advice: `Correct its value in linux.sysctl`,
    };
  if (errno === 'EACCES' || errno === 'EPERM')
    return {
      why: `${shown(name)} may not be written from the container's namespaces`,
      advice: 'Set it on the host, and leave it out of linux.sysctl',
    };
  return undefined;
}

/** A limit above the hard one, or above what the kernel allows at all. @param type RLIMIT_NOFILE, … */
export function whyLimit(local: Kernel, type: string, hard: bigint): Cause | undefined {
  const most = type === 'RLIMIT_NOFILE' ? number(local, '/proc/sys/fs/nr_open') : undefined;
  if (most !== undefined && hard > most)
    return {
      why: `fs.nr_open lets no process have more than ${most} open files`,
      advice: 'Lower the limit in process.rlimits, or have root raise fs.nr_open by sysctl',
    };
  return {
    why: `it is above the hard limit of this process, and to raise that takes CAP_SYS_RESOURCE on the host`,
    advice: 'Lower it in process.rlimits, or raise the hard limit of whoever calls runchart',
  };
}

function number(local: Kernel, file: string): bigint | undefined {
  try {
    return BigInt(readSmallFile(local, file).trim());
  } catch {
    return undefined;
  }
}

/** The error's own words say what is wrong. */
export function whyProfile(message: string): Cause | undefined {
  const [, profile = ''] = /failed to apply profile "(.*?)": /.exec(message) ?? [];
  const said = { isSaid: true } as const;
  if (/no such profile is loaded$/.test(message))
    return {
      why: `the AppArmor profile ${shown(profile)} is not loaded`,
      advice:
        'Load it (apparmor_parser -r FILE), or correct process.apparmorProfile; aa-status lists those that are loaded',
      ...said,
    };
  if (/AppArmor is not enabled/.test(message))
    return {
      why: 'AppArmor is not enabled on this host',
      advice: 'Leave process.apparmorProfile out, or boot with apparmor=1 security=apparmor',
      ...said,
    };
  return /selinux is disabled/.test(message)
    ? { why: 'SELinux is not enabled on this host', advice: 'Leave the labels out of config.json', ...said }
    : undefined;
}

/** @throws SyscallError where nothing can be looked up */
export function whyNoWorkingDirectory(scene: Scene, cwd: string, errno: number | undefined): Cause | undefined {
  const root = containerRoot(scene);
  using _ = root.directory;
  const way = walk(scene.local, root, cwd);
  // A path through magic links, say, is refused as ELOOP: what stands elsewhere is not why.
  const wrong = way.end?.errno ?? (way.found?.type === S.IFDIR ? undefined : ERRNO.ENOTDIR);
  if (wrong !== undefined && wrong !== errno) return undefined;
  const file = way.found !== undefined && way.found.type !== S.IFDIR ? way.found.path : way.end?.path;
  if (way.found === undefined || way.found.type !== S.IFDIR) {
    if (file === undefined) return undefined;
    const isFile = way.found !== undefined || way.places.at(-1)?.type !== S.IFDIR;
    return {
      why: isFile ? `${shown(file)} is a file` : `there is no ${shown(file)} in the container`,
      advice: 'Let process.cwd name a directory of the image',
      path: file,
    };
  }
  const user = userOf(scene);
  const closed = way.places.find((place) => !mayExecute(user, place));
  if (closed === undefined || errno === undefined) return undefined;
  return {
    why: `user ${user.uid}:${user.gid} may not enter ${shown(closed.path)}: ${described(closed)}`,
    advice: 'Give that user the x permission of that directory, or choose another process.cwd',
    path: closed.path,
  };
}
