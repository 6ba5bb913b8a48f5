/**
 * The machine's snapshot as it is kept on disk.
 *
 * Only settled states are written. So a snapshot has no children: XState would run a restored promise actor again, and
 * an effect must not run twice. If a command dies, the disk holds what it wrote last. For a creation that is
 * `unfinished`, which permits only `delete --force`.
 */

import type { ContainerRecord } from '../spec/record.ts';
import type { ContainerEffects, LifecycleContext } from './contract.ts';
import { PERSISTED_STATES, type PersistedState } from './status.ts';

/** A state value of XState: a state, and the state inside it. */
export type PersistedValue = { readonly [state: string]: 'idle' | 'unfinished' };

/** What XState's `getPersistedSnapshot` answers in a settled state. A test holds this to it. */
export interface PersistedSnapshot {
  readonly status: 'active';
  readonly output: undefined;
  readonly error: undefined;
  readonly value: PersistedValue;
  readonly historyValue: Record<string, never>;
  readonly context: ContainerRecord;
  readonly children: Record<string, never>;
}

/** The snapshot of a container that is in `state`. */
export function persisted(state: PersistedState, record: ContainerRecord): PersistedSnapshot {
  const value: PersistedValue = state === 'unfinished' ? { creating: state } : { [state]: 'idle' };
  const context = state === 'created' || state === 'running' ? { ...record, reached: state } : record;
  return { status: 'active', output: undefined, error: undefined, value, historyValue: {}, context, children: {} };
}

/** The part of a machine's context that is written down. */
export const recordOf = ({ effects: _, restoration: __, ...record }: LifecycleContext): ContainerRecord => record;

/** The options of an actor for a container that exists. */
export const restored = (state: PersistedState, record: ContainerRecord, effects?: ContainerEffects) => {
  const snapshot = persisted(state, record);
  return { input: { record, effects }, snapshot: { ...snapshot, context: { ...snapshot.context, effects } } };
};

/** The state that a value on disk stands for. @returns undefined where no settled state has that value */
export function persistedState(value: unknown): PersistedState | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  const [state, inner] = entries[0] ?? [];
  if (entries.length !== 1) return undefined;
  if (state === 'creating' && inner === 'unfinished') return 'unfinished';
  if (inner !== 'idle') return undefined;
  return PERSISTED_STATES.find((known) => known === state && known !== 'unfinished');
}
