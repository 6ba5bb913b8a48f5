/** `--pid-file`. */

import { openat, rename, unlinkat, write } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { doing } from '../error.ts';

const O_SYNC = 0o4010000;

/**
 * Writes a pid, without a newline. Whoever waits for the file to appear finds it complete: it is written under a hidden
 * name beside the path first, the name that runc uses, and then renamed.
 * @param path absolute
 * @throws EffectError
 */
export function writePidFile(local: Kernel, path: string, pid: Pid): void {
  doing(`write the pid file ${path}`, () => {
    const slash = path.lastIndexOf('/') + 1;
    const temporary = `${path.slice(0, slash)}.${path.slice(slash)}`;
    using file = opened(local, openat(AT.FDCWD, temporary, O.RDWR | O.CREAT | O.EXCL | O_SYNC, 0o666));
    try {
      perform(local, [write(file.fd, String(pid)), rename(AT.FDCWD, temporary, AT.FDCWD, path)]);
    } catch (error) {
      attempt(local, unlinkat(AT.FDCWD, temporary));
      throw error;
    }
  });
}
