/** What the lifecycle machine is sent, and what it says back. */

import type { Config } from '../spec/types.ts';
import type { CheckpointRequest, KillRequest } from './contract.ts';

/**
 * What a command asks for. A state that permits a request has a transition for it, and no other state has one: so
 * `snapshot.can(request)` tells whether it is legal. `exec` and `events` ask for permission only, and lead back to where
 * they came from.
 */
export type Request =
  | { readonly type: 'create' }
  | { readonly type: 'restore' }
  | { readonly type: 'start' }
  | ({ readonly type: 'kill' } & KillRequest)
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'update'; readonly config: Config }
  | { readonly type: 'exec'; readonly ignorePaused: boolean }
  | { readonly type: 'events' }
  | ({ readonly type: 'checkpoint' } & CheckpointRequest)
  | { readonly type: 'delete'; readonly force: boolean };

/** What was seen to have happened without a command: the init ended, `start` got further than it could note, a freezer was touched. */
export type Observation =
  | { readonly type: 'exited' }
  | { readonly type: 'started' }
  | { readonly type: 'frozen' }
  | { readonly type: 'thawed' };

export type LifecycleEvent = Request | Observation;

/**
 * What the machine says besides its state.
 * - `failed`: an effect failed, `during` what. The first one of a request is its cause, others came with cleaning up.
 * - `warned`: it went wrong and changes nothing.
 */
export type Emitted =
  | { readonly type: 'failed'; readonly during: string; readonly error: unknown }
  | { readonly type: 'warned'; readonly during: string; readonly error: unknown };
