/**
 * Has the init become the program of config.json. Only commands that start a container load this file.
 */

import { inUserNamespace } from '../../effects/namespaces/user/mappings.ts';
import { groupsDenied } from '../../effects/namespaces/user/read-mappings.ts';
import { addRightsGivenUp, executeProcess, planExecution } from '../../effects/process/execute.ts';
import type { Session } from '../../effects/session.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { type CreationUnderWay, containerProcess } from './effects.ts';
import type { FilterOf } from './filter.ts';

/**
 * Runs the startContainer hooks, and has the init execute the program.
 * @param kernel the init's
 * @param creation what is known already where this command has created the container
 * @throws EffectError
 */
export async function becomeProgram(
  session: Session,
  record: ContainerRecord,
  kernel: Kernel,
  filterOf: FilterOf,
  creation: Pick<CreationUnderWay, 'surroundings' | 'isLimited'> | undefined,
): Promise<void> {
  const { preserveFds } = record.options;
  const process = containerProcess(record);
  const isDenied = hasGroupsDenied(session, record);
  const planned = await planExecution(session.platform, kernel, process, isDenied, creation?.surroundings);
  const compiled = await filterOf(record);
  const execution = { ...planned, isLimited: (await creation?.isLimited?.()) ?? false };
  if ((record.config.hooks?.startContainer?.length ?? 0) > 0) {
    const { runStartContainerHooks } = await import('../../effects/hooks/hooks.ts');
    await runStartContainerHooks(session, record, kernel, execution.env, (batch) =>
      addRightsGivenUp(batch, execution, compiled?.withoutAgent ?? []),
    );
  }
  const filter = compiled?.prepare(kernel);
  try {
    await executeProcess(session.platform, kernel, execution, { preserveFds, filter: filter?.calls ?? [] });
  } finally {
    filter?.release();
  }
}

/** Whether setgroups(2) is denied in the container's user namespace (user_namespaces(7)). */
function hasGroupsDenied({ platform }: Session, { config, init }: ContainerRecord): boolean {
  return inUserNamespace(config) && init !== undefined && groupsDenied(platform.local, init.pid);
}
