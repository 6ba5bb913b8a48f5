/** The way to systemd, for containers whose cgroup it makes. */

import type { Systemd } from '../effects/cgroups/systemd/manager.ts';
import type { Session } from '../effects/session.ts';
import type { ContainerRecord } from '../spec/record.ts';

/** Loaded for those containers alone. @throws CgroupError where there is no systemd, BusError where it cannot be reached */
export async function connectSystemd(
  { platform, environment }: Pick<Session, 'platform' | 'environment'>,
  { options }: Pick<ContainerRecord, 'options'>,
): Promise<Systemd> {
  const { connectSystemd: connect } = await import('../effects/cgroups/systemd/connect.ts');
  const env = Object.fromEntries(
    environment.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
  return connect(platform.libc(), platform.local, { rootless: options.rootlessCgroups ?? false, env });
}
