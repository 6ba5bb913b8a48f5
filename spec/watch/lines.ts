/**
 * What a watcher learns of a command, as lines: one JSON object each. A command tells them to the watcher of its state
 * root, `runchart watch --record` writes them, and the page gets them. `--trace FILE.jsonl` writes those of
 * `TraceLine`.
 *
 * Times are seconds since the epoch, with microseconds. Strings come from configs and images: they may hold anything.
 */

import type { Status } from '../types.ts';

/** The version of the format. It is raised when a reader of the old one would misread the new one. */
export const LINES_VERSION = 1;

/** What every line has. */
interface Anywhere {
  readonly at: number;
  /** The command's run: the same in all of its lines, and different from that of any other command. */
  readonly run: string;
  /** The state root. Traces do not have it but in `command`. */
  readonly root?: string;
}

/** A command began. The first line of a run. */
export interface CommandLine extends Anywhere {
  readonly type: 'command';
  readonly format: number;
  /** Of runchart. */
  readonly version: string;
  /** Its name: `create`. */
  readonly command: string;
  /** The container. A command that has none leaves it out. */
  readonly id?: string;
  /** Of the command itself. */
  readonly pid: number;
  /** W3C Trace Context, as the command found it in its environment. */
  readonly traceparent?: string;
}

/** The machine of a container, or of a process of `exec`, came to a state. */
export interface StateLine extends Anywhere {
  readonly type: 'state';
  /** The container. For a process of exec: `exec in ID`. */
  readonly id: string;
  /** The machine's state: `creating.mounts`, `running`. */
  readonly state: string;
  /** null before there is a container, after its end, and for a process of `exec`. */
  readonly status: Status | null;
}

/** A system call that was performed for a container. */
export interface CallLine extends Anywhere {
  readonly type: 'call';
  /** Who performed it: `runtime`, `stage`, `init`, `exec`, `hook`. */
  readonly who: string;
  /** The performer's pid, as the command sees it, where it is known. */
  readonly pid?: number;
  /** The batches of a run are numbered in the order in which they were performed. */
  readonly batch: number;
  readonly call: string;
  readonly args: readonly unknown[];
  /** -1 where it failed; null where no answer can come: an execve has succeeded, or the performer has ended. */
  readonly result: number | null;
  /** By name, where it failed. */
  readonly errno?: string;
  /** How long the whole batch took, with the way there and back: its last call has it. */
  readonly seconds?: number;
}

/** Something went wrong that changes nothing. */
export interface WarningLine extends Anywhere {
  readonly type: 'warning';
  readonly message: string;
}

/** An effect of the machine failed. */
export interface FailureLine extends Anywhere {
  readonly type: 'failure';
  readonly id: string;
  /** What it was part of: `mounts`, `start`, `createRuntime hooks`. */
  readonly during: string;
  readonly message: string;
  /** The errno's name, where a system call was the cause. */
  readonly code?: string;
}

/** The command ended. The last line of a run, unless the command was killed. */
export interface EndLine extends Anywhere {
  readonly type: 'end';
  /** The exit status. Absent where nobody knows it: the command was killed. */
  readonly status?: number;
  /** The error that it printed. */
  readonly error?: string;
  /** What is known of its cause: `phase`, `syscall`, `errno`, `path`, `cause`, `advice`. */
  readonly failure?: Readonly<Record<string, string>>;
}

/** The lines of a trace. */
export type TraceLine = CommandLine | StateLine | CallLine | WarningLine | FailureLine | EndLine;

/** A request was sent to a machine. */
export interface RequestLine extends Anywhere {
  readonly type: 'request';
  readonly id: string;
  readonly request: string;
}

/** An actor came to be: a machine, or an effect that a state of it invokes. */
export interface ActorLine extends Anywhere {
  readonly type: 'actor';
  /** XState's session id: different from that of any other actor of the run. */
  readonly actor: string;
  readonly id: string;
  readonly parent?: string;
  /** `container`, `exec`, or the effect's name: `makeCgroup`. */
  readonly src: string;
  readonly status: string;
  readonly value?: unknown;
}

/** An actor was sent an event. */
export interface EventLine extends Anywhere {
  readonly type: 'event';
  readonly actor: string;
  /** The actor that sent it. */
  readonly from?: string;
  readonly event: TypedEvent;
}

/** What an actor made of an event. */
export interface SnapshotLine extends Anywhere {
  readonly type: 'snapshot';
  readonly actor: string;
  readonly event: TypedEvent;
  /** XState's: `active`, `done`, `error`, `stopped`. */
  readonly status: string;
  readonly value?: unknown;
  readonly output?: unknown;
  readonly error?: string;
}

/**
 * The record of a container, as state.json has it, but for the config of a container that was there before. The values
 * of annotations and of `env` may be left out.
 */
export interface RecordLine extends Anywhere {
  readonly type: 'record';
  readonly actor: string;
  readonly id: string;
  /** All members the first time, and then those that have changed. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** So many lines are missing here, since the watcher was too slow to take them. */
export interface LostLine extends Anywhere {
  readonly type: 'lost';
  readonly count: number;
}

export type Line = TraceLine | RequestLine | ActorLine | EventLine | SnapshotLine | RecordLine | LostLine;

/** An event of XState. What else it holds depends on its type. */
export interface TypedEvent {
  readonly type: string;
  readonly [member: string]: unknown;
}
