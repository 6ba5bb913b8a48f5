import type { InspectionEvent, Observer } from 'xstate';
import type { DevicePrograms } from '../../effects/cgroups/devices/programs.ts';
import type { Exited } from '../../effects/running/wait.ts';
import type { Platform } from '../../native/platform.ts';
import type { Host } from '../host/host.ts';
import type { Patience } from '../store/lock.ts';
import type { LifecycleChange } from './container.ts';

/**
 * What all operations of one command, or of one program that uses the library, have in common, whichever container they
 * are about.
 */
export interface Context {
  readonly platform: Platform;
  readonly host: Host;
  /** The state root, absolute. */
  readonly root: string;
  /** `--systemd-cgroup`. */
  readonly systemdCgroup: boolean;
  /** `--rootless`: whether to go on without a cgroup that cannot be made. undefined: decided by who we are. */
  readonly rootless?: boolean | undefined;
  /** The global options as words, for a command that goes on as another one. */
  readonly globalWords?: readonly string[];
  readonly patience: Patience;
  /** Keeps device programs that the next container may need: for a process that makes many containers. */
  readonly devicePrograms?: DevicePrograms;
  /** Hears how a child of this process ended that an effect has reaped. */
  readonly reaped?: (exited: Exited) => void;
  /** The time now, in RFC 3339 with nanoseconds, UTC. */
  now(): string;
  /** Hears, in one line, of something that went wrong and changes nothing. */
  warn(message: string): void;
  /** Hears of every state that a machine of this context comes to. */
  readonly onChange?: (change: LifecycleChange) => void;
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
}

/** A command waits a minute for another one on the same container, since a creation with slow hooks takes long. */
export const PATIENCE: Patience = {
  milliseconds: 60_000,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
