/** A session keyring of the container's own (session-keyring(7)), so that it cannot read the caller's keys. */

import type { Batch } from '../../native/batch.ts';
import { keyctl } from '../../native/calls/process.ts';
import { KEYCTL } from '../../native/constants/process.ts';

/**
 * What the kernel gives a new session keyring (security/keys/process_keys.c, join_session_keyring): everything to its
 * possessor; view, read and link to its user. Added: search, so that the user's processes find keys through it (as runc does).
 */
const PERMISSIONS = 0x3f130000 | 0x00080000;

/** A kernel without keyrings, or a seccomp filter around us that forbids them, is no obstacle. */
export function addSessionKeyring(batch: Batch, name: string): void {
  const keyring = batch.try(keyctl(KEYCTL.JOIN_SESSION_KEYRING, name));
  batch.try({ name: 'keyctl', args: [KEYCTL.SETPERM, keyring, PERMISSIONS, 0, 0] });
}
