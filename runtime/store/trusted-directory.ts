/**
 * Opens the state root and the containers' directories, and checks whom they belong to. A `state.json` names hooks to
 * run and processes to kill: whoever can put one there gives orders to whoever reads it.
 */

import { openat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { modeOf, ownerOf } from '../../native/calls/stat.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Kernel, Out } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { StoreError } from './error.ts';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
const PERMISSIONS = 0o7777;
const OTHERWISE = 'or name another root by --root';

interface Place {
  readonly dir: Fd;
  /** Its path, from `dir`. */
  readonly name: string;
  /** Its path in messages. */
  readonly path: string;
  readonly called: 'state root' | 'state directory';
}

/**
 * Opens a directory. Makes sure that it belongs to root or to this process's user, and that nobody else may write to
 * it. Others may read it: that is no danger. In a state root with a sticky bit (a tmpfs has one) others may make
 * directories. Those are not mistaken for ours, since the owner of each container's directory is checked too.
 * @returns a descriptor that the caller closes
 * @throws SyscallError, StoreError
 */
export function openTrusted(kernel: Kernel, at: Place, flags: number): Fd {
  using directory = opened(kernel, openat(at.dir, at.name, flags));
  const stat = out(STATX_BYTES);
  const batch = new Batch();
  batch.add(statx(directory.fd, '', stat));
  const user = batch.add({ name: 'geteuid', args: [] });
  const why = mistrust(stat, resultOf(perform(kernel, batch.calls), user), at);
  if (why !== undefined) throw new StoreError('failed', `cannot use the ${at.called} ${at.path}: ${why}`);
  return directory.release();
}

/** @returns why nobody should believe what is in the directory; undefined where all is well */
function mistrust(stat: Out, user: number, { path, called }: Place): string | undefined {
  const owner = ownerOf(stat);
  const mode = modeOf(stat) & PERMISSIONS;
  if (owner !== 0 && owner !== user)
    return `it belongs to uid ${owner}, and not to root or to uid ${user}; run this as its owner, ${OTHERWISE}`;
  if (mode & WRITABLE_BY_OTHERS && !(called === 'state root' && mode & STICKY))
    return `others may write to it (mode ${mode.toString(8).padStart(4, '0')}); chmod go-w ${path}, ${OTHERWISE}`;
  return undefined;
}
