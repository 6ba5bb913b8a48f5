/** `checkpoint`: a running container's processes written to images; then it is deleted, unless it is to go on. */

import type { CheckpointKind } from '../../effects/criu/checkpoint.ts';
import type { CheckpointOptions } from '../../effects/criu/options.ts';
import { reasonOf } from '../../effects/error.ts';
import { close, openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { attempt, SyscallError } from '../../native/kernel/perform.ts';
import { succeed } from '../container/answers.ts';
import type { Context } from '../container/context.ts';
import { openExisting } from '../container/open.ts';
import { absolutePath } from '../host/path.ts';

export type { CheckpointOptions } from '../../effects/criu/options.ts';

/** @throws Error of one line, in runc's words */
function checkParentPath({ platform }: Context, { imagePath, parentPath }: CheckpointOptions): void {
  if (parentPath === undefined) return;
  if (parentPath.startsWith('/')) throw new Error('--parent-path must be relative');
  const path = absolutePath({ cwd: imagePath, env: {} }, parentPath);
  const look = openat(AT.FDCWD, path, O.PATH | O.DIRECTORY);
  const found = attempt(platform.local, look);
  if (found < 0) throw new Error(`invalid --parent-path: stat ${path}: ${reasonOf(new SyscallError(look, -found))}`);
  attempt(platform.local, close(found));
}

/** @throws Error, of one line; the container is as it was then */
export async function checkpointContainer(
  context: Context,
  id: string,
  kind: CheckpointKind,
  options: CheckpointOptions,
): Promise<void> {
  checkParentPath(context, options);
  const container = await openExisting(context, id, 'checkpoint');
  try {
    succeed(context, await container.request({ type: 'checkpoint', ...kind, options }));
    if (kind.leaveRunning || kind.preDump) return;
    // The images are there: what goes wrong from here on changes nothing of that.
    try {
      succeed(context, await container.request({ type: 'delete', force: false }));
    } catch (error) {
      context.warn(`delete container ${id}: ${reasonOf(error)}`);
    }
  } finally {
    container.close();
  }
}
