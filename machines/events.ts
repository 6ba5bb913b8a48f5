/** What the lifecycle machine is sent, and what it says back. */

import type { Facts } from '../spec/record.ts';
import type { CheckpointRequest, KillRequest, RestoreRequest, UpdateRequest } from './contract.ts';
import type { EffectTypes } from './effect-types.ts';

/**
 * What a command asks for. Only a state that permits a request has a transition for it. So `snapshot.can(request)`
 * tells whether it is legal. `exec` and `events` only ask for permission, and lead back to where they came from.
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
 * What the kernel says of a container. It may have changed without a command: its init has ended, or somebody has used
 * its freezer.
 */
export interface Observation {
  readonly type: 'observed';
  readonly facts: Facts;
}

export type LifecycleEvent = Request | Observation;

/** What the machine is told about its own work: its effects have ended (XState's names), its record is written. */
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
 * - `failed`: an effect failed; `during` says in what phase. The first failure of a request is its cause. Others came
 *   while it was undone.
 * - `warned`: something failed, and nothing changes by that.
 */
export type Emitted =
  | { readonly type: 'failed'; readonly during: string; readonly error: unknown }
  | { readonly type: 'warned'; readonly during: string; readonly error: unknown };
