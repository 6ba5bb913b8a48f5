/** A tmpfs over a directory looks like that directory: /tmp stays what everybody may write to, /root what nobody may read. */

import { STATX_BYTES, statx } from '../../native/calls/files.ts';
import { modeOf } from '../../native/calls/stat.ts';
import { O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { out } from '../../native/kernel/struct.ts';
import { withInRoot } from '../paths/in-root.ts';
import type { FilesystemStep, MountStep } from './steps.ts';

export const keepsMode = (step: MountStep): step is FilesystemStep => step.step === 'filesystem' && step.keepsMode;

/** The step with the permissions of its mount point as they are now; where there is none yet, the file system's own stay. */
export function withMode(kernel: Kernel, root: number, step: FilesystemStep): FilesystemStep {
  const stat = out(STATX_BYTES);
  kernel.submit(
    withInRoot(root, step.at, O.PATH | O.DIRECTORY, (fd) => statx(fd, '', stat)).map((call) => ({
      ...call,
      mayFail: true,
    })),
  );
  const mode = modeOf(stat);
  if (mode === 0) return step;
  return { ...step, parameters: [['mode', (mode & 0o7777).toString(8)], ...step.parameters] };
}
