/**
 * A tmpfs gets the permissions of the directory that it covers: everybody may still write to /tmp, and nobody but root
 * may read /root.
 */

import { close, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { modeOf } from '../../native/calls/stat.ts';
import { O } from '../../native/constants/files.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { out } from '../../native/kernel/struct.ts';
import { openInRoot } from '../paths/in-root.ts';
import type { FilesystemStep, MountStep } from './steps.ts';

export const keepsMode = (step: MountStep): step is FilesystemStep => step.step === 'filesystem' && step.keepsMode;

/** The step with the permissions that its mount point has now. If there is none yet, the step stays as it is. */
export function withMode(kernel: Kernel, root: Fd, step: FilesystemStep): FilesystemStep {
  const stat = out(STATX_BYTES);
  const batch = new Batch();
  const directory = batch.try(openInRoot(root, step.at, O.PATH | O.DIRECTORY));
  batch.try(statx(directory, '', stat));
  batch.try(close(directory));
  kernel.submit(batch.calls);
  const mode = modeOf(stat);
  if (mode === 0) return step;
  return { ...step, parameters: [['mode', (mode & 0o7777).toString(8)], ...step.parameters] };
}
