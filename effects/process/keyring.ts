/** A session keyring of the container's own (session-keyring(7)), so that it cannot read the caller's keys. */

import { keyctl } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { KEYCTL } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel.ts';
import { attempt, perform } from '../../native/perform.ts';
import { out } from '../../native/struct.ts';
import { doing } from '../error.ts';

/** KEY_USR_SEARCH, uapi/linux/keyctl.h: the processes of the container's user find keys through it. */
const USER_SEARCH = 0x080000;

/** A kernel without keyrings, or a seccomp filter around us that forbids them, is no obstacle. @throws EffectError */
export function joinSessionKeyring(init: Kernel, name: string): void {
  doing('join a session keyring', () => {
    const keyring = attempt(init, keyctl(KEYCTL.JOIN_SESSION_KEYRING, name));
    if (keyring === -ERRNO.ENOSYS) return;
    const description = out(1024);
    const [length = 0] = perform(init, [
      { name: 'keyctl', args: [KEYCTL.DESCRIBE, keyring, description, description.bytes.length, 0] },
    ]);
    const permissions = permissionsIn(new TextDecoder().decode(description.bytes.subarray(0, length - 1)));
    perform(init, [keyctl(KEYCTL.SETPERM, keyring, permissions | USER_SEARCH)]);
  });
}

/** `keyring;0;0;3f130000;_ses.name`: the fourth field, in hexadecimal. */
export function permissionsIn(description: string): number {
  return Number.parseInt(description.split(';')[3] ?? '0', 16);
}
