/** The way to systemd, for containers whose cgroup it makes. */

import type { Systemd } from '../../effects/cgroups/systemd/manager.ts';
import type { Session } from '../../effects/session.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import { environmentOf } from '../host/environment.ts';
import type { Context } from './context.ts';

/** Loaded for those containers alone. @throws CgroupError where there is no systemd, BusError where it cannot be reached */
export async function connectSystemd(
  { platform, environment }: Pick<Session, 'platform' | 'environment'>,
  { options }: Pick<ContainerRecord, 'options'>,
): Promise<Systemd> {
  const { connectSystemd: connect } = await import('../../effects/cgroups/systemd/connect.ts');
  return connect(platform.libc(), platform.local, { rootless: options.rootlessCgroups ?? false, environment });
}

/**
 * The cgroup below which an ordinary user's own systemd makes its units. His command need not be in it: a session's is not.
 * @throws CgroupError, BusError where that systemd cannot be reached
 */
export async function managerCgroup({ platform, host }: Context): Promise<string> {
  const { connectSystemd: connect } = await import('../../effects/cgroups/systemd/connect.ts');
  const systemd = connect(platform.libc(), platform.local, {
    rootless: true,
    environment: environmentOf(host, platform.local),
  });
  try {
    return systemd.controlGroup();
  } finally {
    systemd.close();
  }
}

/** For `exec` by an ordinary user: his systemd moves what he may not. */
export async function attacherFor(session: Pick<Session, 'platform' | 'environment'>, record: ContainerRecord) {
  const { cgroup, options } = record;
  const base = cgroup?.paths.unified;
  const unit = cgroup?.unit;
  if (cgroup?.driver !== 'systemd' || !options.rootlessCgroups || base === undefined || unit === undefined)
    return undefined;
  const { connectSystemd: connect } = await import('../../effects/cgroups/systemd/connect.ts');
  return (pid: number, { paths }: CgroupRecord): void => {
    const systemd = connect(session.platform.libc(), session.platform.local, {
      rootless: true,
      environment: session.environment,
    });
    try {
      systemd.attachProcesses(unit, [pid], (paths.unified ?? base).slice(base.length) || '/');
    } finally {
      systemd.close();
    }
  };
}
