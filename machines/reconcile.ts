/** What happened to a container while no command of ours watched, told from what the kernel says now. */

import type { ContainerRecord, Facts } from '../spec/record.ts';
import type { Observation } from './events.ts';
import type { PersistedState } from './persisted.ts';

/** The events to send to a machine that was rehydrated in `state`, in order. */
export function observations(state: PersistedState, facts: Facts): readonly Observation[] {
  if (state === 'unfinished' || state === 'stopped') return [];
  if (facts.init === 'gone') return [{ type: 'exited' }];
  const events: Observation[] = [];
  if (state === 'created' && facts.started) events.push({ type: 'started' });
  if (state === 'paused' && !facts.frozen) events.push({ type: 'thawed' });
  if (state !== 'paused' && facts.frozen) events.push({ type: 'frozen' });
  return events;
}

/** Where these events lead, for those who only look (`state`, `list`) and need no machine. A test holds it against the chart. */
export function observedState(state: PersistedState, record: ContainerRecord, facts: Facts): PersistedState {
  if (state === 'unfinished' || state === 'stopped') return state;
  if (facts.init === 'gone') return 'stopped';
  if (facts.frozen) return 'paused';
  if (state === 'created') return facts.started ? 'running' : 'created';
  return state === 'paused' && record.reached === 'created' ? 'created' : 'running';
}
