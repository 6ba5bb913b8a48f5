/** The program of config.json takes the place of the init: loaded by the commands that start a container. */

import { inUserNamespace } from '../../effects/namespaces/user/mappings.ts';
import { groupsDenied } from '../../effects/namespaces/user/read-mappings.ts';
import { addRightsGivenUp, executeProcess, planExecution } from '../../effects/process/execute.ts';
import type { Surroundings } from '../../effects/process/look-around.ts';
import type { Session } from '../../effects/session.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { Process } from '../../spec/types.ts';
import type { FilterOf } from './filter.ts';

/** @param surroundings where they have been asked for just before. @throws EffectError */
export async function startProcess(
  session: Session,
  record: ContainerRecord,
  kernel: Kernel,
  surroundings: Surroundings | undefined,
  filterOf: FilterOf,
): Promise<void> {
  const { preserveFds } = record.options;
  const execution = planExecution(kernel, processOf(record), hasGroupsDenied(session, record), surroundings);
  const compiled = await filterOf(record);
  if ((record.config.hooks?.startContainer?.length ?? 0) > 0) {
    const { runStartContainerHooks } = await import('../../effects/hooks/hooks.ts');
    await runStartContainerHooks(session, record, kernel, execution.env, (batch) =>
      addRightsGivenUp(batch, execution, compiled?.withoutAgent ?? []),
    );
  }
  const filter = compiled?.prepare(kernel);
  try {
    executeProcess(kernel, execution, { preserveFds, filter: filter?.calls ?? [] });
  } finally {
    filter?.release();
  }
}

/** For `start` and `exec`: the init is there. */
function hasGroupsDenied({ platform }: Session, { config, init }: ContainerRecord): boolean {
  return inUserNamespace(config) && init !== undefined && groupsDenied(platform.local, init.pid);
}

export function processOf({ config, id }: ContainerRecord): Process {
  if (config.process === undefined) throw new Error(`container ${id} has no process`);
  return config.process;
}
