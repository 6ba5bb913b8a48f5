/** Connects to systemd: to the system's manager, or to the manager of an ordinary user. */

import type { Variable } from '../../../native/calls/process.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT } from '../../../native/constants/files.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { attempt } from '../../../native/kernel/perform.ts';
import { BusError } from '../../../native/libraries/bus/bus.ts';
import { connectBus } from '../../../native/libraries/bus/sd-bus.ts';
import type { Libc } from '../../../native/libraries/libc.ts';
import { variable } from '../../process/environment.ts';
import { CgroupError } from '../error.ts';
import { type Systemd, systemdOn } from './manager.ts';

interface SystemdConnection {
  readonly rootless?: boolean;
  /** DBUS_SESSION_BUS_ADDRESS and XDG_RUNTIME_DIR lead to the user's own manager. */
  readonly environment?: readonly Variable[];
  /** The address of another bus, for tests. */
  readonly address?: string;
}

const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket';
/** systemd's own socket, which root may use where there is no bus daemon. */
const PRIVATE = 'unix:path=/run/systemd/private';

/** Whether systemd has booted the host: sd_booted(3). */
export const isSystemdRunning = (kernel: Kernel): boolean =>
  attempt(kernel, { name: 'faccessat2', args: [AT.FDCWD, '/run/systemd/system/', 0, 0] }) >= 0;

/** @throws CgroupError where there is no systemd, BusError where it cannot be reached */
export function connectSystemd(libc: Libc, kernel: Kernel, options: SystemdConnection = {}): Systemd {
  if (options.address !== undefined) return systemdOn(connectBus(libc, { address: options.address }));
  if (!isSystemdRunning(kernel))
    throw new CgroupError('systemd not running on this host, cannot use systemd cgroups manager');
  if (options.rootless) return systemdOn(connectBus(libc, { address: sessionBus(options.environment ?? []) }));
  try {
    return systemdOn(connectBus(libc, { address: SYSTEM_BUS }));
  } catch (error) {
    if (!(error instanceof BusError) || (error.errno !== ERRNO.ENOENT && error.errno !== ERRNO.ECONNREFUSED))
      throw error;
    return systemdOn(connectBus(libc, { address: PRIVATE, direct: true }), true);
  }
}

function sessionBus(environment: readonly Variable[]): string {
  const address = variable(environment, 'DBUS_SESSION_BUS_ADDRESS');
  if (address) return address;
  const directory = variable(environment, 'XDG_RUNTIME_DIR');
  if (directory) return `unix:path=${escapeAddress(`${directory}/bus`)}`;
  throw new CgroupError(
    'neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set: rootless containers with --systemd-cgroup need the ' +
      "user's own systemd (Debian: dbus-user-session; you may have to log in again)",
  );
}

/** Writes every byte as %xx but those that may stand for themselves: D-Bus specification, "Server addresses". */
const escapeAddress = (path: string): string =>
  [...new TextEncoder().encode(path)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[-0-9A-Za-z_/.\\*]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
