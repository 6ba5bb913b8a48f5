/** What the lifecycle machine is sent, and what it says back. */

import type { Facts } from '../spec/record.ts';
import type { CheckpointRequest, KillRequest, RestoreRequest, UpdateRequest } from './contract.ts';
import type { EffectTypes } from './effect-types.ts';

/**
 * What a command asks for. A state that permits a request has a transition for it, and no other state has one: so
 * `snapshot.can(request)` tells whether it is legal. `exec` and `events` ask for permission only, and lead back to
 * where they came from.
 */
export type Request =
  | { readonly type: 'create' }
  | ({ readonly type: 'restore' } & RestoreRequest)
  | { readonly type: 'start' }
  | ({ readonly type: 'kill' } & KillRequest)
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | ({ readonly type: 'update' } & UpdateRequest)
  | { readonly type: 'exec'; readonly ignorePaused: boolean }
  | { readonly type: 'events' }
  | ({ readonly type: 'checkpoint' } & CheckpointRequest)
  | { readonly type: 'delete'; readonly force: boolean };

/**
 * What the kernel says of a container that may have changed without a command: its init ended, a freezer was touched.
 */
export interface Observation {
  readonly type: 'observed';
  readonly facts: Facts;
}

export type LifecycleEvent = Request | Observation;

/** What the machine hears of its own doing: the ends of its effects, as XState names them, and of its writes. */
export type InnerEvent =
  | { readonly type: 'saved' }
  /** The record could not be written. */
  | { readonly type: 'unsaved'; readonly error: unknown }
  | {
      [Name in keyof EffectTypes]:
        | { readonly type: `xstate.done.actor.${Name}`; readonly output: EffectTypes[Name]['result'] }
        | { readonly type: `xstate.error.actor.${Name}`; readonly error: unknown };
    }[keyof EffectTypes];

/**
 * What the machine says besides its state.
 * - `failed`: an effect failed, `during` what. The first one of a request is its cause, others came with cleaning up.
 * - `warned`: it went wrong and changes nothing.
 */
export type Emitted =
  | { readonly type: 'failed'; readonly during: string; readonly error: unknown }
  | { readonly type: 'warned'; readonly during: string; readonly error: unknown };
