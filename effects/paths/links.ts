/** Where the standard descriptors of a process lead. */

import { readlinkat } from '../../native/calls/files.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { out } from '../../native/kernel/struct.ts';

/** @returns `pipe:[123]`, `/dev/null`; an empty text for what is not open */
export function linksOf(local: Kernel, fds: readonly number[], pid: number | 'self' = 'self'): readonly string[] {
  const targets = fds.map(() => out(4096));
  const { results } = local.submit(
    fds.map((fd, i) => ({
      ...readlinkat(AT.FDCWD, `/proc/${pid}/fd/${fd}`, targets[i] ?? out(0)),
      mayFail: true as const,
    })),
  );
  return targets.map(({ bytes }, i) => new TextDecoder().decode(bytes.subarray(0, Math.max(0, results[i] ?? 0))));
}
