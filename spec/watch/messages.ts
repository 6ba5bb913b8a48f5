/** What the server of `runchart watch` and its page say to each other, over a WebSocket: one JSON object a message. */

import type { Status } from '../types.ts';
import type { Line } from './lines.ts';

/** The first message. All that the page has from a connection before is void. */
export interface Hello {
  readonly type: 'runchart.hello';
  /** Of runchart. */
  readonly version: string;
  readonly format: number;
  /** Seconds since the epoch. */
  readonly now: number;
  /** The state roots that are watched. */
  readonly roots: readonly string[];
  /** Whether the values of annotations and of environment variables are shown. */
  readonly values: boolean;
  /** false where a file is played. */
  readonly live: boolean;
  readonly file?: string;
}

/** A container as the list shows it. */
export interface Summary {
  readonly root: string;
  readonly id: string;
  /** null once it is deleted, or its creation has failed. */
  readonly status: Status | null;
  /** Where its machine stands: `creating.mounts`, `running`, `deleted`, `failed`. */
  readonly place: string;
  readonly pid?: number;
  /** RFC 3339. */
  readonly created?: string;
  readonly bundle?: string;
  /** A uid. */
  readonly owner?: number;
  /** null where the value is left out. */
  readonly annotations: Readonly<Record<string, string | null>>;
  /** Who asked for it, as its annotations show: podman, containerd, cri-o. */
  readonly engine?: string;
  /** The command that ran last. */
  readonly last?: {
    readonly run: string;
    readonly command: string;
    readonly at: number;
    readonly ended?: number;
    /** The exit status. */
    readonly exit?: number;
    readonly error?: string;
  };
  /** Its last failure. */
  readonly failure?: { readonly at: number; readonly run: string; readonly during: string; readonly message: string };
}

/** Containers that are new or have changed; after the greeting, all. A container is known by its root and id. */
export interface Containers {
  readonly type: 'runchart.containers';
  readonly containers: readonly Summary[];
}

/** What happened, in order: first what happened before the page came, as far as it is kept. */
export interface Lines {
  readonly type: 'runchart.lines';
  readonly lines: readonly Line[];
}

/** The answer to `Ask`. */
export interface RecordAnswer {
  readonly type: 'runchart.record';
  readonly root: string;
  readonly id: string;
  /** null where there is none. */
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly problem?: string;
}

export type ToPage = Hello | Containers | Lines | RecordAnswer;

/** The page asks for a container's record. */
export interface Ask {
  readonly type: 'runchart.ask';
  readonly root: string;
  readonly id: string;
}

export type FromPage = Ask;
