/** What every operation of one command, or of one user of the library, has in common. */

import type { InspectionEvent, Observer } from 'xstate';
import type { DevicePrograms } from '../../effects/cgroups/devices/programs.ts';
import type { Platform } from '../../native/platform.ts';
import type { Host } from '../host/host.ts';
import type { Patience } from '../store/lock.ts';
import type { Children } from './children.ts';
import type { LifecycleChange } from './container.ts';

/** What holds for every operation of one command, or of one user of the library, whichever container it is about. */
export interface Context {
  readonly platform: Platform;
  readonly host: Host;
  /** The state root, absolute. */
  readonly root: string;
  /** `--systemd-cgroup`. */
  readonly systemdCgroup: boolean;
  /** `--rootless`: whether cgroups are done without where they cannot be made. undefined for as it looks. */
  readonly rootless?: boolean | undefined;
  readonly patience: Patience;
  /** Where many containers are worked on by one process: what they have in common. */
  readonly shared?: {
    readonly devicePrograms: DevicePrograms;
    readonly children: Children;
  };
  /** RFC 3339 with nanoseconds, UTC. */
  now(): string;
  /** Something went wrong that changes nothing. */
  warn(message: string): void;
  /** Hears of every state that a machine of this context comes to. */
  readonly onChange?: (change: LifecycleChange) => void;
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
}

/** Of a program that uses the library. */
export type SharedContext = Context & Required<Pick<Context, 'shared'>>;

/** How long a command waits for another one on the same container: creating with slow hooks takes its time. */
export const PATIENCE: Patience = {
  milliseconds: 60_000,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
