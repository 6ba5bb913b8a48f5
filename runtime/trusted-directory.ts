/**
 * The state root and the containers' directories in it: a `state.json` names hooks to run and processes to kill. Whoever can put
 * one there commands whoever reads it.
 */

import { close, type Fd, openat, STATX_BYTES, statx } from '../native/calls/files.ts';
import type { Kernel } from '../native/kernel/kernel.ts';
import { attempt, call, perform } from '../native/kernel/perform.ts';
import { out, viewOf } from '../native/kernel/struct.ts';
import { StoreError } from './store/error.ts';

const WRITABLE_BY_OTHERS = 0o022;

/**
 * Opens a directory, and makes sure that it belongs to root or to this process's user, and that nobody else may write to it. That others may read
 * it is no danger.
 * @param called the directory, as errors tell it: `state root`
 * @throws SyscallError, StoreError
 */
export function openTrusted(
  kernel: Kernel,
  at: { readonly dir: Fd; readonly name: string; readonly path: string; readonly called: string },
  flags: number,
): number {
  const fd = call(kernel, openat(at.dir, at.name, flags));
  try {
    const stat = out(STATX_BYTES);
    const [, user = -1] = perform(kernel, [statx(fd, '', stat), { name: 'geteuid', args: [] }]);
    const why = mistrust(viewOf(stat.bytes), user, at.path);
    if (why !== undefined) throw new StoreError('failed', `cannot use the ${at.called} ${at.path}: ${why}`);
    return fd;
  } catch (error) {
    attempt(kernel, close(fd));
    throw error;
  }
}

/** @param stat struct statx, uapi/linux/stat.h: stx_uid, stx_mode @returns why what is in a directory is not to be obeyed */
function mistrust(stat: DataView, user: number, path: string): string | undefined {
  const owner = stat.getUint32(20, true);
  const mode = stat.getUint16(28, true) & 0o7777;
  if (owner !== 0 && owner !== user)
    return `it belongs to uid ${owner}, and not to root or to uid ${user}, who runs this; run it as its owner, or name another root by --root`;
  if (mode & WRITABLE_BY_OTHERS)
    return `others may write to it (mode ${mode.toString(8).padStart(4, '0')}); chmod go-w ${path}, or name another root by --root`;
  return undefined;
}
