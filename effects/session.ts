/**
 * What one command holds of one container while it works on it: live resources that die with the command.
 * Everything that shall outlive it is in the record, and what the command was asked for comes with the request.
 */

import { close } from '../native/calls/files.ts';
import type { Variable } from '../native/calls/process.ts';
import type { Ahead, Kernel } from '../native/kernel/kernel.ts';
import type { Platform } from '../native/platform.ts';
import type { DevicePrograms } from './cgroups/devices/programs.ts';
import type { Exited } from './running/wait.ts';

/** What the container's process gets from the process that creates it. */
export interface Inheritance {
  /** Descriptors for its standard input, output and error. */
  readonly stdio: readonly [number, number, number];
  /** Those of `stdio` that are pipes of the runtime's own making. */
  readonly pipes?: readonly number[];
  /** How many descriptors from 3 on it inherits too (`--preserve-fds`, and LISTEN_FDS). */
  readonly preserveFds: number;
  /** A connected socket that the terminal's master is sent to; with it the process gets a terminal. */
  readonly consoleSocket?: number;
  /** A connected socket that the pidfd of the process is sent to (`--pidfd-socket`). */
  readonly pidfdSocket?: number;
  /** The soft RLIMIT_NOFILE that the command was started with: the engine has raised its own since. */
  readonly openFilesLimit?: number;
}

/** A connection to an init that serves batches. */
export interface InitConnection {
  readonly kernel: Kernel;
  /** This process's end of the socket. */
  readonly socket: number;
}

/** What one command holds of one container: the context knows no container, and the record outlives the command. */
export interface Session {
  readonly platform: Platform;
  readonly inheritance: Inheritance;
  /** The environment that this command was started with: that of hooks which say nothing of theirs. */
  readonly environment: readonly Variable[];
  /** The container's state directory, absolute. */
  readonly directory: string;
  /**
   * This command will start what it creates. Then the init is not left waiting, but goes on serving on the connection
   * that it has: 0.6 ms of a `run`. Should the command die in between, so does the init.
   */
  readonly startsAtOnce?: boolean;
  /** Where device programs are kept that the next container may need. */
  readonly devicePrograms?: DevicePrograms | undefined;
  /** Hears how a child of this process ended that an effect has reaped. */
  readonly reaped?: ((exited: Exited) => void) | undefined;
  /** What makes its mounts, where that has been written ahead. */
  mounts?: Ahead;
  /** While the container is created, and until it is started: its init. */
  init?: InitConnection & { readonly pid: number; root?: number };
}

/** @throws Error when no init is connected: an effect was called out of order */
export function connectedInit(session: Session): NonNullable<Session['init']> {
  if (session.init === undefined) throw new Error('no init is connected');
  return session.init;
}

/** Ends the connection. An init that has been told to wait goes on waiting; any other exits. */
export function disconnect(session: Session): void {
  if (session.init === undefined) return;
  session.platform.local.submit([close(session.init.socket)]);
  delete session.init;
}
