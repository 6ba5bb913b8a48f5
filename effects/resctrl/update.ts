/** Changes the limits of a container's resctrl group. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { IntelRdt } from '../../spec/types.ts';
import { EffectError } from '../error.ts';
import { isThere } from './files.ts';
import { writeSchemata } from './group.ts';
import { resctrlRoot } from './root.ts';

interface Asked {
  readonly l3CacheSchema?: string | undefined;
  readonly memBwSchema?: string | undefined;
}

/** The config's part about Intel RDT, with the schemas that are asked for. @throws EffectError in runc's words */
export function changedIntelRdt(local: Kernel, old: IntelRdt | undefined, asked: Asked): IntelRdt {
  const { l3CacheSchema = '', memBwSchema = '' } = asked;
  const root = resctrlRoot(local);
  const has = (resource: string): boolean => root !== undefined && isThere(local, `${root}/info/${resource}`);
  if (l3CacheSchema !== '' && !has('L3')) throw new EffectError('Intel RDT/CAT: l3 cache schema is not enabled');
  if (memBwSchema !== '' && !has('MB')) throw new EffectError('Intel RDT/MBA: memory bandwidth schema is not enabled');
  if (old === undefined) throw new EffectError('updating a non-existent Intel RDT configuration is not supported');
  return {
    ...old,
    ...(l3CacheSchema === '' ? {} : { l3CacheSchema }),
    ...(memBwSchema === '' ? {} : { memBwSchema }),
  };
}

/**
 * Changes the group's limits, and then others. If either fails, it sets the group's old limits again.
 * @param others changes the other limits
 * @throws EffectError, or what `others` throws
 */
export async function withSchemata(
  local: Kernel,
  { resctrl, config, id }: ContainerRecord,
  changed: IntelRdt,
  others: () => Promise<void>,
): Promise<void> {
  if (resctrl === undefined) throw new EffectError(`container ${id} has no resctrl group`);
  try {
    writeSchemata(local, resctrl, changed);
    await others();
  } catch (error) {
    try {
      writeSchemata(local, resctrl, config.linux?.intelRdt ?? {});
    } catch {
      // The first failure is the one to report.
    }
    throw error;
  }
}
