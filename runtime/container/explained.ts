/** Looks up why an effect failed, while what it worked on is still there. */

import { explained } from '../../effects/causes/find.ts';
import type { Session } from '../../effects/session.ts';
import { EarlierFailure } from '../../machines/contract.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Process } from '../../spec/types.ts';

/**
 * @param process that was to run, where it is not the container's own
 * @returns the error with its cause, where one was found
 */
export function explainedError(
  { platform: { local }, init }: Pick<Session, 'platform' | 'init'>,
  record: ContainerRecord,
  error: unknown,
  process: Process | undefined = record.config.process,
): unknown {
  const pid: Pid | undefined = init?.pid ?? record.init?.pid;
  const scene = { local, record, process, pid };
  return error instanceof EarlierFailure
    ? new EarlierFailure(error.during, explained(scene, error.error))
    : explained(scene, error);
}
