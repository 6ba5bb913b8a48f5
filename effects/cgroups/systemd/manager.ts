/** systemd's manager over D-Bus: org.freedesktop.systemd1(5). */

import { type Bus, BusError, type BusObject } from '../../../native/libraries/bus/sd-bus.ts';
import type { BusValue } from '../../../native/libraries/bus/values.ts';
import { CgroupError } from '../files.ts';
import { array, bool, str } from './values.ts';

export interface Systemd {
  /** The major version, `252`; undefined where it cannot be told. */
  readonly version: number | undefined;
  /** The cgroup below which the manager makes its units: `/`, or that of an ordinary user's manager. @throws BusError */
  controlGroup(): string;
  /** Starts a unit that has no file, and waits until it runs. @throws CgroupError, BusError */
  startTransientUnit(name: string, properties: readonly BusValue[]): void;
  /** Ends a unit and waits until it is gone. One that is not there is fine. @throws CgroupError, BusError */
  stopUnit(name: string): void;
  /** Changes a running unit, not beyond its life. @throws BusError */
  setUnitProperties(name: string, properties: readonly BusValue[]): void;
  /**
   * Moves processes into a running unit's cgroup, or one below it; an ordinary user may not do it by writing.
   * @param below its path from that of the unit @throws BusError
   */
  attachProcesses(name: string, pids: readonly number[], below?: string): void;
  close(): void;
}

const MANAGER: BusObject = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
};
const UNIT_EXISTS = 'org.freedesktop.systemd1.UnitExists';
const NO_SUCH_UNIT = 'org.freedesktop.systemd1.NoSuchUnit';
const JOB_TIMEOUT_MS = 30_000;

/** @param direct the bus is the manager itself: then signals have no sender */
export function systemdOn(bus: Bus, direct = false): Systemd {
  let version: number | 'unknown' | undefined;
  let watching = false;

  /** Must be there before the job: it may be done before its number has come back. */
  function watchJobs(): void {
    if (watching) return;
    const sender = direct ? '' : `sender='${MANAGER.destination}',`;
    bus.match(`type='signal',${sender}path='${MANAGER.path}',interface='${MANAGER.interface}',member='JobRemoved'`);
    watching = true;
  }

  /** Asks for a job and waits for its end. Returns what became of it, `done`; undefined when the time was up. */
  function job(member: string, args: readonly BusValue[]): string | undefined {
    watchJobs();
    const [path] = bus.call(MANAGER, member, args, 'o');
    const removed = bus.waitForSignal(MANAGER, 'JobRemoved', 'uoss', (values) => values[1] === path, JOB_TIMEOUT_MS);
    return removed === undefined ? undefined : String(removed[3]);
  }

  /** A unit that failed is remembered until it is forgiven. */
  function forgive(name: string): void {
    try {
      bus.call(MANAGER, 'ResetFailedUnit', [str(name)]);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
    }
  }

  function start(name: string, properties: readonly BusValue[]): string | undefined {
    // The last argument, units to start along, is always empty: systemd has no use for it yet.
    return job('StartTransientUnit', [str(name), str('replace'), array('(sv)', properties), array('(sa(sv))', [])]);
  }

  return {
    get version() {
      version ??= readVersion(bus) ?? 'unknown';
      return version === 'unknown' ? undefined : version;
    },
    controlGroup: () => bus.stringProperty(MANAGER, 'ControlGroup'),
    startTransientUnit(name, properties) {
      let became: string | undefined;
      try {
        became = start(name, properties);
      } catch (error) {
        if (!(error instanceof BusError) || error.bus !== UNIT_EXISTS) throw error;
        // It may be the rest of one that failed.
        forgive(name);
        became = start(name, properties);
      }
      if (became === 'done') return;
      forgive(name);
      throw new CgroupError(
        became === undefined
          ? `timeout waiting for systemd to create ${name}`
          : `error creating systemd unit ${name}: got ${became}`,
        '',
        0,
      );
    },
    stopUnit(name) {
      try {
        if (job('StopUnit', [str(name), str('replace')]) === undefined)
          throw new CgroupError(`timed out while waiting for systemd to remove ${name}`, '', 0);
      } catch (error) {
        if (!(error instanceof BusError) || error.bus !== NO_SUCH_UNIT) throw error;
      }
      forgive(name);
    },
    setUnitProperties(name, properties) {
      bus.call(MANAGER, 'SetUnitProperties', [str(name), bool(true), array('(sv)', properties)]);
    },
    attachProcesses(name, pids, below = '/') {
      const list = array(
        'u',
        pids.map((pid) => ({ type: 'u', value: pid }) as const),
      );
      bus.call(MANAGER, 'AttachProcessesToUnit', [str(name), str(below), list]);
    },
    close: () => bus.close(),
  };
}

/** `252.39-1~deb12u2`, `v245.4-1.fc32` */
export function versionOf(text: string): number | undefined {
  const digits = /^"?v?(\d+)/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function readVersion(bus: Bus): number | undefined {
  try {
    return versionOf(bus.stringProperty(MANAGER, 'Version'));
  } catch (error) {
    if (error instanceof BusError) return undefined;
    throw error;
  }
}
