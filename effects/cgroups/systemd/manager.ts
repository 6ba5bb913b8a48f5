/** systemd's manager over D-Bus: org.freedesktop.systemd1(5). */

import type { Pid } from '../../../native/kernel/numbers.ts';
import { type Bus, BusError, type BusObject } from '../../../native/libraries/bus/bus.ts';
import type { BusValue } from '../../../native/libraries/bus/values.ts';
import { CgroupError } from '../error.ts';
import { array, bool, str } from './values.ts';

export interface Systemd {
  /** The major version, `252`; undefined where it cannot be told. */
  readonly version: number | undefined;
  /** The cgroup below which the manager makes its units: `/`, or the cgroup of a user's manager. @throws BusError */
  controlGroup(): string;
  /** Starts a unit that has no file, and waits until it runs. @throws CgroupError, BusError */
  startTransientUnit(name: string, properties: readonly BusValue[]): void;
  /** Ends a unit, and waits until it is gone. It is fine if there is none. @throws CgroupError, BusError */
  stopUnit(name: string): void;
  /** Changes a running unit, until it ends. @throws BusError */
  setUnitProperties(name: string, properties: readonly BusValue[]): void;
  /**
   * Moves processes into a running unit's cgroup, or into one below it. An ordinary user may not do that by a write to
   * cgroup.procs.
   * @param below the path of that cgroup, from the unit's own
   * @throws BusError
   */
  attachProcesses(name: string, pids: readonly Pid[], below?: string): void;
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

/** @param direct the other end of the bus is the manager itself, whose signals have no sender then */
export function systemdOn(bus: Bus, direct = false): Systemd {
  const jobs = new Jobs(bus, direct);
  let version: number | 'unknown' | undefined;
  return {
    get version() {
      version ??= readVersion(bus) ?? 'unknown';
      return version === 'unknown' ? undefined : version;
    },
    controlGroup: () => bus.stringProperty(MANAGER, 'ControlGroup'),
    startTransientUnit: (name, properties) => startTransientUnit(bus, jobs, name, properties),
    stopUnit: (name) => stopUnit(bus, jobs, name),
    setUnitProperties(name, properties) {
      bus.call(MANAGER, 'SetUnitProperties', [str(name), bool(true), array('(sv)', properties)]);
    },
    attachProcesses(name, pids, below = '/') {
      const list = pids.map((pid) => ({ type: 'u', value: pid }) as const);
      bus.call(MANAGER, 'AttachProcessesToUnit', [str(name), str(below), array('u', list)]);
    },
    close: () => bus.close(),
  };
}

/** Has systemd run jobs, and waits for the end of each. */
class Jobs {
  readonly #bus: Bus;
  readonly #direct: boolean;
  #isWatching = false;

  constructor(bus: Bus, direct: boolean) {
    this.#bus = bus;
    this.#direct = direct;
  }

  /**
   * Asks for a job, and waits for its end.
   * @returns what became of it: `done`, `failed`…; undefined if it has not ended within 30 seconds
   */
  run(member: string, args: readonly BusValue[]): string | undefined {
    this.#watch();
    const [path] = this.#bus.call(MANAGER, member, args, 'o');
    const isOurs = (values: readonly unknown[]): boolean => values[1] === path;
    const removed = this.#bus.waitForSignal(MANAGER, 'JobRemoved', 'uoss', isOurs, JOB_TIMEOUT_MS);
    return removed === undefined ? undefined : String(removed[3]);
  }

  /** Asks for signals before the job is asked for, since the job may end before systemd has answered with its path. */
  #watch(): void {
    if (this.#isWatching) return;
    const sender = this.#direct ? '' : `sender='${MANAGER.destination}',`;
    const rule = `path='${MANAGER.path}',interface='${MANAGER.interface}',member='JobRemoved'`;
    this.#bus.match(`type='signal',${sender}${rule}`);
    this.#isWatching = true;
  }
}

function startTransientUnit(bus: Bus, jobs: Jobs, name: string, properties: readonly BusValue[]): void {
  // The last argument is a list of other units to start, which systemd does not use yet.
  const args = [str(name), str('replace'), array('(sv)', properties), array('(sa(sv))', [])];
  const start = (): string | undefined => jobs.run('StartTransientUnit', args);
  let became: string | undefined;
  try {
    became = start();
  } catch (error) {
    if (!(error instanceof BusError) || error.bus !== UNIT_EXISTS) throw error;
    // It may be left of a unit that failed.
    forgive(bus, name);
    became = start();
  }
  if (became === 'done') return;
  forgive(bus, name);
  throw new CgroupError(
    became === undefined
      ? `timeout waiting for systemd to create ${name}`
      : `error creating systemd unit ${name}: got ${became}`,
  );
}

function stopUnit(bus: Bus, jobs: Jobs, name: string): void {
  try {
    if (jobs.run('StopUnit', [str(name), str('replace')]) === undefined)
      throw new CgroupError(`timed out while waiting for systemd to remove ${name}`);
  } catch (error) {
    if (!(error instanceof BusError) || error.bus !== NO_SUCH_UNIT) throw error;
  }
  forgive(bus, name);
}

/** Makes systemd forget a unit that failed, which it remembers otherwise. */
function forgive(bus: Bus, name: string): void {
  try {
    bus.call(MANAGER, 'ResetFailedUnit', [str(name)]);
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
  }
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
