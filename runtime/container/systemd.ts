/**
 * Connections to systemd, for containers whose cgroup it makes. The code for them is loaded only for such containers.
 */

import type { Systemd } from '../../effects/cgroups/systemd/manager.ts';
import type { Session } from '../../effects/session.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import { environmentOf } from '../host/environment.ts';
import type { Context } from './context.ts';

/** What finds the way to systemd. The environment leads to the systemd of an ordinary user. */
type Way = Pick<Session, 'platform' | 'environment'>;

/**
 * Connects to the systemd that makes the cgroup of a container. The caller closes the connection.
 * @throws CgroupError where there is no systemd, BusError where it cannot be reached
 */
export async function systemdFor(way: Way, { options }: Pick<ContainerRecord, 'options'>): Promise<Systemd> {
  return (await connectorFor(way, options.rootlessCgroups ?? false))();
}

/**
 * The cgroup below which an ordinary user's own systemd makes its units. A command of the user need not be in it: a
 * login session is not.
 * @throws CgroupError, BusError where that systemd cannot be reached
 */
export async function managerCgroup({ platform, host }: Context): Promise<string> {
  const connect = await connectorFor({ platform, environment: environmentOf(host, platform.local) }, true);
  return used(connect(), (systemd) => systemd.controlGroup());
}

/** For `exec` by an ordinary user: what has the user's systemd move a process that the user may not move. */
export async function attacherFor(way: Way, record: ContainerRecord) {
  const { cgroup, options } = record;
  const base = cgroup?.paths.unified;
  const unit = cgroup?.unit;
  if (cgroup?.driver !== 'systemd' || !options.rootlessCgroups || base === undefined || unit === undefined)
    return undefined;
  const connect = await connectorFor(way, true);
  return (pid: Pid, { paths }: CgroupRecord): void =>
    used(connect(), (systemd) =>
      systemd.attachProcesses(unit, [pid], (paths.unified ?? base).slice(base.length) || '/'),
    );
}

async function connectorFor({ platform, environment }: Way, rootless: boolean): Promise<() => Systemd> {
  const { connectSystemd } = await import('../../effects/cgroups/systemd/connect.ts');
  return () => connectSystemd(platform.libc(), platform.local, { rootless, environment });
}

function used<T>(systemd: Systemd, work: (systemd: Systemd) => T): T {
  try {
    return work(systemd);
  } finally {
    systemd.close();
  }
}
