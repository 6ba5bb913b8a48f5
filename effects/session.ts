/**
 * What one command holds of one container while it works on it: live resources, which end with the command. What shall
 * outlive the command is in the record. What the command was asked for comes with the request.
 */

import { close } from '../native/calls/files.ts';
import type { Variable } from '../native/calls/process.ts';
import type { Ahead, Kernel } from '../native/kernel/kernel.ts';
import type { Fd, Pid } from '../native/kernel/numbers.ts';
import type { Platform } from '../native/platform.ts';
import type { DevicePrograms } from './cgroups/devices/programs.ts';
import type { Exited } from './running/wait.ts';

/** What the container's process gets from the process that creates it. */
export interface Inheritance {
  /** Descriptors for its standard input, output and error. */
  readonly stdio: readonly [stdin: Fd, stdout: Fd, stderr: Fd];
  /** Those of `stdio` that are pipes of the runtime's own making. */
  readonly pipes?: readonly Fd[];
  /** How many descriptors from 3 on it gets too (`--preserve-fds`, and LISTEN_FDS). */
  readonly preserveFds: number;
  /** Which descriptors it gets as 3, 4, …, where they are others than those. */
  readonly preserved?: readonly Fd[];
  /** A connected socket, over which the terminal's master is sent. With it the process gets a terminal. */
  readonly consoleSocket?: Fd;
  /** A connected socket, over which a pidfd of the process is sent (`--pidfd-socket`). */
  readonly pidfdSocket?: Fd;
  /** The soft RLIMIT_NOFILE that the command was started with: the engine has raised its own since. */
  readonly openFilesLimit?: number;
}

/** A connection to an init that serves batches. */
export interface InitConnection {
  readonly kernel: Kernel;
  /** This process's end of the socket. */
  readonly socket: Fd;
}

/**
 * What one command holds of one container. It stays apart from `Context`, which holds for all containers of a command
 * or program: the effects know their container by the session, and nothing of locks, logs and the state root.
 */
export interface Session {
  readonly platform: Platform;
  readonly inheritance: Inheritance;
  /** The environment that this command was started with. Hooks get it whose config says nothing of theirs. */
  readonly environment: readonly Variable[];
  /** The container's state directory, absolute. */
  readonly directory: string;
  /**
   * Whether this command will start what it creates. Then the init is not left waiting for `start`, but goes on serving
   * on the connection that it has, which saves 0.6 ms of a `run`. If the command dies in between, the init ends too.
   */
  readonly startsAtOnce?: boolean;
  /**
   * Whether this process will start what it creates, at once or later. What the start depends on is asked for along
   * with the creation then. runc asks before the start, too.
   */
  readonly startsHere?: boolean;
  /** Keeps device programs for the next container that may need them. */
  readonly devicePrograms?: DevicePrograms | undefined;
  /** Hears what is odd about the config, and fails nothing. */
  readonly warn?: ((message: string) => void) | undefined;
  /** Hears how a child of this process ended that an effect has reaped. */
  readonly reaped?: ((exited: Exited) => void) | undefined;
  /** The batches that make its mounts, where they have been written ahead. */
  mounts?: Ahead;
  /** The container's init, while the container is created and until it is started. */
  init?: InitConnection & { readonly pid: Pid; root?: Fd };
}

/** @throws Error where no init is connected: an effect was called out of order */
export function connectedInit(session: Session): NonNullable<Session['init']> {
  if (session.init === undefined) throw new Error('no init is connected');
  return session.init;
}

/** Ends the connection. An init that has been told to wait for `start` goes on waiting; any other exits. */
export function disconnect(session: Session): void {
  if (session.init === undefined) return;
  session.platform.local.submit([close(session.init.socket)]);
  delete session.init;
}
