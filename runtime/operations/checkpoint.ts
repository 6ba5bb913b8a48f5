/**
 * `checkpoint`: writes a running container's processes to images. Then the container is deleted, unless it is to run
 * on.
 */

import type { CheckpointKind } from '../../effects/criu/checkpoint.ts';
import type { CheckpointOptions } from '../../effects/criu/options.ts';
import { doing, reasonOf } from '../../effects/error.ts';
import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { opened } from '../../native/kernel/owned.ts';
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
  doing(`invalid --parent-path: stat ${path}`, () => {
    using _ = opened(platform.local, openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
  });
}

/** @throws Error of one line. Then the container is as it was */
export async function checkpointContainer(
  context: Context,
  id: string,
  kind: CheckpointKind,
  options: CheckpointOptions,
): Promise<void> {
  checkParentPath(context, options);
  using container = await openExisting(context, id, 'checkpoint');
  succeed(context, await container.request({ type: 'checkpoint', ...kind, options }));
  if (kind.leaveRunning || kind.preDump) return;
  // The images are written. A failure to delete the container does not make them worthless.
  try {
    succeed(context, await container.request({ type: 'delete', force: false }));
  } catch (error) {
    context.warn(`delete container ${id}: ${reasonOf(error)}`);
  }
}
