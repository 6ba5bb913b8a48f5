/** Asks whether somebody watches a state root. Every command asks, so it costs one system call where nobody does. */

import { faccessat2 } from '../../native/calls/files.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';

/** The watcher's socket in the state root. No container can have this name (spec/id.ts). */
export const WATCH_SOCKET = '@watch';

/** Whether there is such a file. What it is worth is for `connectToWatcher` to find out. */
export const mayBeWatched = (kernel: Kernel, root: string): boolean =>
  attempt(kernel, faccessat2(AT.FDCWD, `${root}/${WATCH_SOCKET}`, 0, AT.SYMLINK_NOFOLLOW)) >= 0;
