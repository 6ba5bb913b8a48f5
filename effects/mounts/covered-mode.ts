/** A tmpfs over a directory gets its permissions, as with runc: a /tmp stays 1777, a /run 755. */

import { close, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel.ts';
import { out, result } from '../../native/struct.ts';
import { openInRoot } from '../rootfs/in-root.ts';
import { modeOf } from '../stat.ts';
import type { FilesystemStep, MountStep } from './plan.ts';

/** Whether it asks for no permissions of its own. */
export const takesCoveredMode = (step: MountStep): step is FilesystemStep =>
  step.step === 'filesystem' && step.type === 'tmpfs' && !step.parameters.some(([key]) => key === 'mode');

/** The same step with the permissions of what is at its destination by now; unchanged where nothing is. */
export function withCoveredMode(kernel: Kernel, root: number, step: FilesystemStep): FilesystemStep {
  const stat = out(STATX_BYTES);
  const { stoppedAt } = kernel.submit([
    openInRoot(root, step.at, O.PATH | O.DIRECTORY),
    statx(result(0), '', stat),
    close(result(0)),
  ]);
  if (stoppedAt !== undefined) return step;
  return { ...step, parameters: [...step.parameters, ['mode', (modeOf(stat) & 0o7777).toString(8)]] };
}
