/** A session keyring of the container's own (session-keyring(7)), so that it cannot read the caller's keys. */

import { close } from '../../native/calls/files.ts';
import { keyctl } from '../../native/calls/process.ts';
import { KEYCTL } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import type { Process } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';
import { openProcfs } from '../paths/procfs.ts';
import { addKeyringLabel } from './labels.ts';

/**
 * A new session keyring permits everything to its possessor, and view, read and link to its user
 * (security/keys/process_keys.c, join_session_keyring). We add search, as runc does: so the user's processes find keys
 * through it.
 */
const PERMISSIONS = 0x3f130000 | 0x00080000;

interface KeyringLabel {
  /** In the performer, from `openProcfs`. The calls that `addSessionKeyring` adds close it. */
  readonly procfs: Fd;
  readonly label: string;
}

/** What labels the process's keyring; undefined for a process without an SELinux label. @throws EffectError */
export function keyringLabel(kernel: Kernel, process: Process | undefined): KeyringLabel | undefined {
  const { selinuxLabel: label = '' } = process ?? {};
  return label === '' ? undefined : { procfs: openProcfs(kernel), label };
}

/**
 * Adds: join a new session keyring. It may fail, in a kernel without keyrings, or under a seccomp filter around us that
 * forbids them.
 * @param labelled the SELinux label that the keyring gets
 */
export function addSessionKeyring(batch: PartedBatch, name: string, labelled?: KeyringLabel): void {
  if (labelled !== undefined) addKeyringLabel(batch, labelled.procfs, labelled.label);
  const keyring = batch.try(keyctl(KEYCTL.JOIN_SESSION_KEYRING, name));
  batch.try({ name: 'keyctl', args: [KEYCTL.SETPERM, keyring, PERMISSIONS, 0, 0] });
  if (labelled === undefined) return;
  addKeyringLabel(batch, labelled.procfs, '');
  batch.add(close(labelled.procfs));
}
