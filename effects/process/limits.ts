/** Resource limits of the process (setrlimit(2)). */

import { getRlimit, setRlimit } from '../../native/calls/process.ts';
import { RLIMIT } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel.ts';
import { perform, SyscallError } from '../../native/perform.ts';
import { out, viewOf } from '../../native/struct.ts';
import type { Process } from '../../spec/types.ts';
import { EffectError, reasonOf } from '../error.ts';

const resourceOf = (type: string): number | undefined => Object.entries(RLIMIT).find(([name]) => name === type)?.[1];

/**
 * @param openFilesLimit the soft limit that a process without a RLIMIT_NOFILE of its own goes back to
 * @throws EffectError `set RLIMIT_NOFILE to 2048 of 4096: EPERM: …`
 */
export function applyLimits(kernel: Kernel, process: Process, openFilesLimit: number | undefined): void {
  const limits = process.rlimits ?? [];
  for (const { type, soft, hard } of limits) {
    const resource = resourceOf(type);
    if (resource === undefined) throw new EffectError(`invalid rlimit type: ${type}`);
    try {
      perform(kernel, [setRlimit(0, resource, soft, hard)]);
    } catch (error) {
      throw new EffectError(
        `error setting rlimit type ${resource}: set ${type} to ${soft} of ${hard}: ${reasonOf(error)}`,
        { cause: error },
      );
    }
  }
  if (openFilesLimit === undefined || limits.some(({ type }) => type === 'RLIMIT_NOFILE')) return;
  const current = out(16);
  perform(kernel, [getRlimit(0, RLIMIT.RLIMIT_NOFILE, current)]);
  const hard = viewOf(current.bytes).getBigUint64(8, true);
  try {
    perform(kernel, [setRlimit(0, RLIMIT.RLIMIT_NOFILE, Math.min(openFilesLimit, Number(hard)), hard)]);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new EffectError(`restore RLIMIT_NOFILE to ${openFilesLimit}: ${reasonOf(error)}`, { cause: error });
  }
}
