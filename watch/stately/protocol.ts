/**
 * The protocol of the Stately inspector: what `createWebSocketInspector` of @statelyai/inspect sends, and what
 * `createWebSocketReceiver` and the inspector's page understand. JSON texts of these types. A test holds them to the
 * package's own.
 */

/** The version of the protocol's package that these messages follow. */
export const STATELY_VERSION = '0.7.2';

interface Anything {
  readonly rootId: string | undefined;
  readonly sessionId: string;
  /** Milliseconds since the epoch, as text. */
  readonly createdAt: string;
  /** XState's own inspection leaves it null. */
  readonly id: string | null;
  readonly _version: string;
}

export interface StatelySnapshot {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
}

export interface StatelyActor extends Anything {
  readonly type: '@xstate.actor';
  readonly name: string;
  readonly snapshot: StatelySnapshot;
  readonly definition: string | undefined;
  readonly parentId: string | undefined;
}

export interface StatelyEvent extends Anything {
  readonly type: '@xstate.event';
  readonly event: { readonly type: string };
  readonly sourceId: string | undefined;
}

export interface StatelySnapshotEvent extends Anything {
  readonly type: '@xstate.snapshot';
  readonly event: { readonly type: string };
  readonly snapshot: StatelySnapshot;
}

export type StatelyMessage = StatelyActor | StatelyEvent | StatelySnapshotEvent;
