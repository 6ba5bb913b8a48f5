/**
 * What Linux security modules confine the process by: AppArmor's profile, SELinux's label (config.md, "apparmorProfile",
 * "selinuxLabel"). Both are told to the kernel beforehand, and act from the next execve(2) on (proc_pid_attr(5)).
 */

import { close, faccessat2, openat, write } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, flush, isErrno, perform } from '../../native/kernel/perform.ts';
import { result } from '../../native/kernel/struct.ts';
import type { Process } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';
import { doing, EffectError, reasonOf } from '../error.ts';
import { readSmallFile } from '../paths/proc.ts';
import { openOwnFile, openProcfs } from '../paths/procfs.ts';

const AT_ENABLED = '/sys/module/apparmor/parameters/enabled';

/**
 * What this host cannot confine by, before anything is done; in runc's words.
 * @throws EffectError
 */
export function refuseLabels(local: Kernel, process: Process | undefined): void {
  const { apparmorProfile = '', selinuxLabel = '' } = process ?? {};
  if (selinuxLabel !== '') requireSelinux(local);
  if (apparmorProfile !== '' && isWithoutApparmor(local))
    throw profileError(apparmorProfile, 'AppArmor is not enabled on this host');
}

/** @throws EffectError in runc's words */
export function requireSelinux(local: Kernel): void {
  if (attempt(local, faccessat2(AT.FDCWD, '/sys/fs/selinux/enforce', 0)) < 0)
    throw new EffectError('selinux label is specified in config, but selinux is disabled or not supported');
}

/** Whoever may not read it is told by the kernel, when the profile is set. */
function isWithoutApparmor(local: Kernel): boolean {
  try {
    return !readSmallFile(local, AT_ENABLED).startsWith('Y');
  } catch (error) {
    return isErrno(error, 'ENOENT');
  }
}

/**
 * To be performed by the process itself. A profile that is not loaded is refused here.
 * @throws EffectError
 */
export function setLabels(kernel: Kernel, { apparmorProfile = '', selinuxLabel = '' }: Process): void {
  if (apparmorProfile === '' && selinuxLabel === '') return;
  flush(kernel);
  const procfs = openProcfs(kernel);
  try {
    if (selinuxLabel !== '')
      doing(`can't set process label: ${JSON.stringify(selinuxLabel)}`, () =>
        setAttribute(kernel, procfs, 'exec', selinuxLabel),
      );
    if (apparmorProfile !== '') setProfile(kernel, procfs, apparmorProfile);
  } finally {
    attempt(kernel, close(procfs));
  }
}

function setProfile(kernel: Kernel, procfs: number, profile: string): void {
  const change = `exec ${profile}`;
  try {
    try {
      setAttribute(kernel, procfs, 'apparmor/exec', change);
    } catch (error) {
      // Its own directory is there since Linux 5.8; the other is shared by all modules.
      if (!isMissing(error, 'openat2')) throw error;
      setAttribute(kernel, procfs, 'exec', change);
    }
  } catch (error) {
    throw profileError(profile, isMissing(error, 'write') ? 'no such profile is loaded' : reasonOf(error), error);
  }
}

/**
 * Asks by a change that the kernel only tries (`permprofile`, security/apparmor/lsm.c). What else may be in its way is told by
 * whoever makes the change.
 * @throws EffectError where no such profile is loaded
 */
export function requireProfile(local: Kernel, profile: string): void {
  for (const folder of ['attr/apparmor', 'attr']) {
    const fd = attempt(local, openat(AT.FDCWD, `/proc/thread-self/${folder}/current`, O.WRONLY));
    if (fd < 0) continue;
    const written = attempt(local, write(fd, `permprofile ${profile}`));
    attempt(local, close(fd));
    if (written === -ERRNO.ENOENT) throw profileError(profile, 'no such profile is loaded');
    return;
  }
}

const isMissing = (error: unknown, during: string): boolean => isErrno(error, 'ENOENT') && error.call.name === during;

/** Adds: keyrings that are made from now on have this label; none where it is empty. */
export function addKeyringLabel(batch: PartedBatch, procfs: number, label: string): void {
  const file = batch.add(openOwnFile(procfs, 'attr/keycreate', O.WRONLY));
  batch.add(write(file, label));
  batch.add(close(file));
  batch.part(`set the label of keyrings to ${JSON.stringify(label)}`);
}

/** Opened for each write: the kernel takes it only from the very credentials that opened the file (since Linux 5.13). */
function setAttribute(kernel: Kernel, procfs: number, name: string, value: string): void {
  perform(kernel, [openOwnFile(procfs, `attr/${name}`, O.WRONLY), write(result(0), value), close(result(0))]);
}

const profileError = (profile: string, why: string, cause?: unknown): EffectError =>
  new EffectError(
    `unable to apply apparmor profile: apparmor failed to apply profile ${JSON.stringify(profile)}: ${why}`,
    {
      cause,
    },
  );
