/** A session keyring of the container's own (session-keyring(7)), so that it cannot read the caller's keys. */

import { close } from '../../native/calls/files.ts';
import { keyctl } from '../../native/calls/process.ts';
import { KEYCTL } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Process } from '../../spec/types.ts';
import type { PartedBatch } from '../batch.ts';
import { openProcfs } from '../paths/procfs.ts';
import { addKeyringLabel } from './labels.ts';

/**
 * What the kernel gives a new session keyring (security/keys/process_keys.c, join_session_keyring): everything to its
 * possessor; view, read and link to its user. Added: search, so that the user's processes find keys through it (as runc does).
 */
const PERMISSIONS = 0x3f130000 | 0x00080000;

interface KeyringLabel {
  /** In the performer: `openProcfs`. Closed by what is added. */
  readonly procfs: number;
  readonly label: string;
}

/** What the process's keyring is labelled by; nothing for one without a label. @throws EffectError */
export function keyringLabel(kernel: Kernel, process: Process | undefined): KeyringLabel | undefined {
  const { selinuxLabel: label = '' } = process ?? {};
  return label === '' ? undefined : { procfs: openProcfs(kernel), label };
}

/**
 * A kernel without keyrings, or a seccomp filter around us that forbids them, is no obstacle.
 * @param labelled the SELinux label that it gets
 */
export function addSessionKeyring(batch: PartedBatch, name: string, labelled?: KeyringLabel): void {
  if (labelled !== undefined) addKeyringLabel(batch, labelled.procfs, labelled.label);
  const keyring = batch.try(keyctl(KEYCTL.JOIN_SESSION_KEYRING, name));
  batch.try({ name: 'keyctl', args: [KEYCTL.SETPERM, keyring, PERMISSIONS, 0, 0] });
  if (labelled === undefined) return;
  addKeyringLabel(batch, labelled.procfs, '');
  batch.add(close(labelled.procfs));
}
