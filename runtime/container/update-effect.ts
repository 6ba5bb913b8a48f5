/** Changes a container's limits in the kernel. Only `update` loads this file. */

import { changeLimits } from '../../effects/cgroups/by-driver.ts';
import { EffectError } from '../../effects/error.ts';
import type { Session } from '../../effects/session.ts';
import type { UpdateRequest } from '../../machines/contract.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { systemdFor } from './systemd.ts';

/** @throws Error of one line; then the limits are as they were */
export async function changeInForce(
  session: Session,
  record: ContainerRecord,
  { config, resources, schemata }: UpdateRequest,
): Promise<void> {
  const { cgroup } = record;
  if (cgroup === undefined) throw new EffectError(`container ${record.id} has no cgroup`);
  const { local } = session.platform;
  const before = record.config.linux?.resources ?? {};
  const change = () => changeLimits(local, cgroup, resources, before, () => systemdFor(session, record));
  if (!schemata) return change();
  const { withSchemata } = await import('../../effects/resctrl/update.ts');
  await withSchemata(local, record, config.linux?.intelRdt ?? {}, change);
}
