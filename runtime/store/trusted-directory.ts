/**
 * The state root and the containers' directories in it: a `state.json` names hooks to run and processes to kill. Whoever can
 * put one there commands whoever reads it.
 */

import { close, type FdArg, openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { StoreError } from './error.ts';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
const OTHERWISE = 'or name another root by --root';

interface Place {
  readonly dir: FdArg;
  /** In `dir`. */
  readonly name: string;
  /** As errors tell it. */
  readonly path: string;
  readonly called: 'state root' | 'state directory';
}

/**
 * Opens a directory, and makes sure that it belongs to root or to this process's user, and that nobody else may write to
 * it. That others may read it is no danger. In the state root, with a sticky bit (a tmpfs has one), others may make what is
 * theirs: it is not taken for ours, for containers' directories are looked at themselves.
 * @throws SyscallError, StoreError
 */
export function openTrusted(kernel: Kernel, at: Place, flags: number): number {
  const fd = call(kernel, openat(at.dir, at.name, flags));
  try {
    const stat = out(STATX_BYTES);
    const [, user = -1] = perform(kernel, [statx(fd, '', stat), { name: 'geteuid', args: [] }]);
    const why = mistrust(viewOf(stat.bytes), user, at);
    if (why !== undefined) throw new StoreError('failed', `cannot use the ${at.called} ${at.path}: ${why}`);
    return fd;
  } catch (error) {
    attempt(kernel, close(fd));
    throw error;
  }
}

/**
 * @param stat struct statx, uapi/linux/stat.h: stx_uid, stx_mode
 * @returns why what is in the directory is not to be obeyed
 */
function mistrust(stat: DataView, user: number, { path, called }: Place): string | undefined {
  const owner = stat.getUint32(20, true);
  const mode = stat.getUint16(28, true) & 0o7777;
  if (owner !== 0 && owner !== user)
    return `it belongs to uid ${owner}, and not to root or to uid ${user}; run this as its owner, ${OTHERWISE}`;
  if (mode & WRITABLE_BY_OTHERS && !(called === 'state root' && mode & STICKY))
    return `others may write to it (mode ${mode.toString(8).padStart(4, '0')}); chmod go-w ${path}, ${OTHERWISE}`;
  return undefined;
}
