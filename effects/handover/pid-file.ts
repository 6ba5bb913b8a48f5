/** `--pid-file`. */

import { close, openat, rename, unlinkat, write } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { doing } from '../error.ts';

const O_SYNC = 0o4010000;

/**
 * Writes a pid, without a newline, so that who waits for the file to appear finds it complete: under a hidden name
 * beside it first, as runc names it, then by rename.
 * @param path absolute
 * @throws EffectError
 */
export function writePidFile(local: Kernel, path: string, pid: number): void {
  doing(`write the pid file ${path}`, () => {
    const slash = path.lastIndexOf('/') + 1;
    const temporary = `${path.slice(0, slash)}.${path.slice(slash)}`;
    const fd = call(local, openat(AT.FDCWD, temporary, O.RDWR | O.CREAT | O.EXCL | O_SYNC, 0o666));
    try {
      perform(local, [write(fd, String(pid)), rename(AT.FDCWD, temporary, AT.FDCWD, path)]);
    } catch (error) {
      attempt(local, unlinkat(AT.FDCWD, temporary));
      throw error;
    } finally {
      attempt(local, close(fd));
    }
  });
}
