/** The small pieces that the chart is written with: what a transition does, and what an effect is handed. */

import { assertEvent } from 'xstate';
import type { HookKind, PhaseName } from '../spec/record.ts';
import type { LifecycleContext } from './contract.ts';
import type { InnerEvent, LifecycleEvent, Request } from './events.ts';
import { reachesAll } from './rules.ts';
import type { PersistedState } from './status.ts';

/** Says that the effect failed. */
export const fail = (during: string) => ({ type: 'fail' as const, params: { during } });

/** Says that it went wrong, and that nothing changes by it. */
export const warn = (during: string) => ({ type: 'warn' as const, params: { during } });

/** Notes which phase begins, before its effect is called. */
export const begin = (phase: PhaseName) => ({ type: 'begin' as const, params: { phase } });

/** Writes the record, as of a container in this state. With `tell` the machine hears `saved` then, too. */
export const save = (as: PersistedState, tell?: 'tell') => ({
  type: 'save' as const,
  params: tell === undefined ? { as } : { as, tell: true },
});

export const hasHooks = (kind: HookKind) => ({ type: 'hasHooks' as const, params: { kind } });

/** To a settled state, which is written down. */
export const settle = (state: PersistedState) => ({ target: `#${state}`, actions: save(state) });

const isNow = (state: PersistedState) => ({
  guard: { type: 'isNow' as const, params: { state } },
  target: `#${state}`,
});

/** To the state that the kernel's word comes to. Nobody has asked for it, so nothing is written. */
export const observed = (state: PersistedState) => ({
  ...isNow(state),
  ...(state === 'paused' ? { actions: 'noteStart' as const } : {}),
});

/** The same after a request. */
export const found = (state: PersistedState) => ({
  ...isNow(state),
  actions: state === 'paused' ? (['noteStart', save(state)] as const) : save(state),
});

export interface Given {
  readonly context: LifecycleContext;
  readonly event: LifecycleEvent | InnerEvent;
}

/** What an effect is handed: the record alone, … */
export const record = ({ context }: Given) => ({ record: context });

/** … with the kind of hooks, … */
export const hooksOf =
  (kind: HookKind) =>
  ({ context }: Given) => ({ record: context, kind });

/** … with what it is restored from, … */
export function restorationOf({ context }: Given) {
  const { restoration } = context;
  if (restoration === undefined) throw new TypeError('there is nothing to restore from');
  return { record: context, restoration };
}

/** … or with the request that asked for it. */
export function asked<Type extends Request['type']>(type: Type) {
  return ({ context, event }: Given) => {
    assertEvent(event, type);
    return { record: context, request: event };
  };
}

/** Whom a signal is for is decided here. */
export function askedToKill({ context, event }: Given) {
  assertEvent(event, 'kill');
  return { record: context, request: { signal: event.signal, all: reachesAll(context.config, event) } };
}
