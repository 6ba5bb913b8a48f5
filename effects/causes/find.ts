/** Finds out why something failed, by what failed. */

import { ERRNO, errnoName } from '../../native/constants/errno.ts';
import { SyscallError } from '../../native/kernel/perform.ts';
import { CgroupError } from '../cgroups/error.ts';
import { EffectError } from '../error.ts';
import { ProgramError } from '../process/program.ts';
import { profileOf } from '../seccomp/profile.ts';
import { type Cause, causeOf, ExplainedError, failedCall } from './cause.ts';
import { whyCgroup, whyOutOfMemory } from './cgroups.ts';
import { whyHookFailed } from './hooks.ts';
import { whyNotMounted } from './mounts.ts';
import { whyNoNamespaces, whyNotJoined, whyNotMapped, whyUnmappedId } from './namespaces.ts';
import { whyNotExecuted } from './program.ts';
import type { Scene } from './scene.ts';
import { whySeccomp } from './seccomp.ts';
import { whyLimit, whyNoWorkingDirectory, whyProfile, whySysctl } from './settings.ts';

/**
 * @returns the error with its cause; the error itself where nothing more is known. Whatever goes wrong here, the error
 * comes out
 */
export function explained(scene: Scene, error: unknown): unknown {
  if (!(error instanceof Error) || causeOf(error) !== undefined) return error;
  try {
    const found = findCause(scene, error);
    return found === undefined ? error : new ExplainedError(error, found);
  } catch {
    return error;
  }
}

function findCause(scene: Scene, error: Error): Cause | undefined {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const found = causeOfOne(scene, one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function causeOfOne(scene: Scene, error: Error): Cause | undefined {
  if (error instanceof ProgramError) return whyNotExecuted(scene, error);
  if (error instanceof CgroupError) return whyCgroup(scene, error);
  if (error instanceof EffectError) return whyByWords(scene, error) ?? whyByCall(scene, error);
  return undefined;
}

/** What our own words tell of, where the call alone would not. */
function whyByWords(scene: Scene, error: EffectError): Cause | undefined {
  const { message } = error;
  const failed = failedCall(error);
  const errno = failed && errnoName(failed.errno);
  const [, sysctl] = /^write sysctl key (.+?): [A-Z]/.exec(message) ?? [];
  if (sysctl !== undefined) return whySysctl(sysctl, errno);
  const [, type, hard] = /: set (RLIMIT_\w+) to \d+ of (\d+):/.exec(message) ?? [];
  if (type !== undefined && hard !== undefined && failed?.errno === ERRNO.EPERM)
    return whyLimit(scene.local, type, BigInt(hard));
  const [, kind] = /^cannot set([ug]id) to unmapped/.exec(message) ?? [];
  if (kind === 'uid' || kind === 'gid') return whyUnmappedId(scene, kind);
  if (/^container init was OOM-killed/.test(message)) return whyOutOfMemory(scene);
  if (/^(unable to apply apparmor profile|selinux label)/.test(message)) return whyProfile(message);
  if (/^error running \w+ hook #\d+: /.test(message)) return whyHookFailed(scene, message);
  if (/^chdir to cwd /.test(message) && error.about.path !== undefined)
    return whyNoWorkingDirectory(scene, error.about.path, error.about.errno);
  return whyNotMapped(scene, message);
}

function whyByCall(scene: Scene, error: EffectError): Cause | undefined {
  const failed = error.cause;
  if (!(failed instanceof SyscallError)) return undefined;
  const { message, about } = error;
  if (/^(mount|bind|remount|link) /.test(message) && about.path !== undefined)
    return whyNotMounted(scene, about.path, failed, message);
  if (/^join the \w+ namespace /.test(message)) return whyNotJoined(scene, failed);
  if (/^clone3 into the namespaces/.test(message)) return whyNoNamespaces(scene, failed.errno);
  if (/^give the process its identity/.test(message))
    return whySeccomp(profileOf(scene.record.config), failed.call.name, failed.errno);
  return undefined;
}
