/**
 * Labels the process for the Linux security module that confines it: with AppArmor's profile, or SELinux's label
 * (config.md, "apparmorProfile", "selinuxLabel"). The kernel is told beforehand, and acts at the next execve(2)
 * (proc_pid_attr(5)).
 */

import { close, faccessat2, openat, write } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, flush, isErrno, perform, succeeded } from '../../native/kernel/perform.ts';
import type { Process } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';
import { doing, EffectError, reasonOf } from '../error.ts';
import { readSmallFile } from '../paths/proc.ts';
import { openOwnFile, openProcfs } from '../paths/procfs.ts';

const AT_ENABLED = '/sys/module/apparmor/parameters/enabled';

/**
 * Refuses a process that this host cannot confine as its config says. To be called before anything is done.
 * @throws EffectError in runc's words
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

/** Where the file may not be read, we do not know. Then the kernel says it when the profile is set. */
function isWithoutApparmor(local: Kernel): boolean {
  try {
    return !readSmallFile(local, AT_ENABLED).startsWith('Y');
  } catch (error) {
    return isErrno(error, 'ENOENT');
  }
}

/**
 * Sets both. The process itself must perform it. A profile that is not loaded is refused here.
 * @throws EffectError
 */
export function setLabels(kernel: Kernel, { apparmorProfile = '', selinuxLabel = '' }: Process): void {
  if (apparmorProfile === '' && selinuxLabel === '') return;
  flush(kernel);
  using procfs = new Owned(kernel, openProcfs(kernel));
  if (selinuxLabel !== '')
    doing(`can't set process label: ${JSON.stringify(selinuxLabel)}`, () =>
      setAttribute(kernel, procfs.fd, 'exec', selinuxLabel),
    );
  if (apparmorProfile !== '') setProfile(kernel, procfs.fd, apparmorProfile);
}

function setProfile(kernel: Kernel, procfs: Fd, profile: string): void {
  const change = `exec ${profile}`;
  try {
    try {
      setAttribute(kernel, procfs, 'apparmor/exec', change);
    } catch (error) {
      // AppArmor has a directory of its own since Linux 5.8. Before, all modules shared this one.
      if (!isMissing(error, 'openat2')) throw error;
      setAttribute(kernel, procfs, 'exec', change);
    }
  } catch (error) {
    throw profileError(profile, isMissing(error, 'write') ? 'no such profile is loaded' : reasonOf(error), error);
  }
}

/**
 * Asks whether a profile is loaded, by a change that the kernel only tries (`permprofile`, security/apparmor/lsm.c).
 * Whoever makes the change later reports all other errors.
 * @throws EffectError where no such profile is loaded
 */
export function requireProfile(local: Kernel, profile: string): void {
  for (const folder of ['attr/apparmor', 'attr']) {
    const fd = attempt(local, openat(AT.FDCWD, `/proc/thread-self/${folder}/current`, O.WRONLY));
    if (fd < 0) continue;
    using file = new Owned(local, fd);
    const written = attempt(local, write(file.fd, `permprofile ${profile}`));
    if (written === -ERRNO.ENOENT) throw profileError(profile, 'no such profile is loaded');
    return;
  }
}

const isMissing = (error: unknown, during: string): boolean => isErrno(error, 'ENOENT') && error.call.name === during;

/** Adds: give this label to keyrings that are made from now on; an empty one ends that. */
export function addKeyringLabel(batch: PartedBatch, procfs: Fd, label: string): void {
  const file = batch.add(openOwnFile(procfs, 'attr/keycreate', O.WRONLY));
  batch.add(write(file, label));
  batch.add(close(file));
  batch.part(`set the label of keyrings to ${JSON.stringify(label)}`);
}

/** Opens the file for each write: since Linux 5.13 the kernel wants the very credentials that opened it. */
function setAttribute(kernel: Kernel, procfs: Fd, name: string, value: string): void {
  const batch = new Batch();
  const file = batch.add(openOwnFile(procfs, `attr/${name}`, O.WRONLY));
  const writing = write(file, value);
  const written = batch.try(writing);
  batch.add(close(file));
  const results = perform(kernel, batch.calls);
  succeeded(writing, resultOf(results, written));
}

const profileError = (profile: string, why: string, cause?: unknown): EffectError =>
  new EffectError(
    `unable to apply apparmor profile: apparmor failed to apply profile ${JSON.stringify(profile)}: ${why}`,
    {
      cause,
    },
  );
