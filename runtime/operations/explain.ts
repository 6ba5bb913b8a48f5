/** `explain`: tells the story of a container's last failure, or of the one in a trace. */

import { EffectError, reasonOf } from '../../effects/error.ts';
import { readSmallFile } from '../../effects/paths/proc.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { checkContainerId } from '../../spec/id.ts';
import type { Context } from '../container/context.ts';
import { failureIn } from '../failure/from-trace.ts';
import { type KeptFailure, keptFailures } from '../failure/kept.ts';
import { absolutePath } from '../host/path.ts';

/** A trace of a day's commands is smaller. */
const LARGEST_TRACE = 256 << 20;

/** @param asked the id of a container, or the path of a trace. @throws Error of one line where no failure is known */
export function explainedFailure({ platform, root, host }: Context, asked: string): KeptFailure {
  if (asked.includes('/') || asked.endsWith('.jsonl')) return inTrace(platform.local, absolutePath(host, asked));
  checkContainerId(asked);
  const found = keptFailures(platform.local, root).findLast(({ id }) => id === asked);
  if (found === undefined)
    throw new Error(
      `no failure of container ${asked} is known in ${root}: the last 20 are kept, for a week ` +
        '(the path of a trace is written ./FILE or FILE.jsonl)',
    );
  return found;
}

function inTrace(kernel: Kernel, file: string): KeptFailure {
  let found: KeptFailure | undefined;
  try {
    found = failureIn(readSmallFile(kernel, file, LARGEST_TRACE));
  } catch (error) {
    throw new EffectError(`read the trace ${file}: ${reasonOf(error)}`, { cause: error, about: { path: file } });
  }
  if (found === undefined) throw new Error(`no command failed in the trace ${file}`);
  return found;
}
