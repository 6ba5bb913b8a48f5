/**
 * The small pieces that the chart is made of: what a transition does, and what an effect is given.
 *
 * The chart names its guards, actions and effects, so that it is data which JSON can hold. Two things in it are
 * functions all the same: the first context, and each effect's `input` (`record`, `hooksOf`, `asked`…). XState has no
 * form for them that is data: they compute a value from the context and the event. No tool has to call them to draw or
 * walk the chart; test/machines/tools.test.ts checks that nothing else is a function.
 */

import { assertEvent } from 'xstate';
import type { HookKind, PhaseName } from '../spec/record.ts';
import type { LifecycleContext } from './contract.ts';
import type { InnerEvent, LifecycleEvent, Request } from './events.ts';
import { reachesAll } from './rules.ts';
import type { PersistedState } from './status.ts';

/** Tells that the effect failed. */
export const fail = (during: string) => ({ type: 'fail' as const, params: { during } });

/** Tells that something failed, and that nothing changes by that. */
export const warn = (during: string) => ({ type: 'warn' as const, params: { during } });

/** Notes which phase begins, before its effect is called. */
export const begin = (phase: PhaseName) => ({ type: 'begin' as const, params: { phase } });

/** Writes the record, as that of a container in this state. With `tell`, the machine is sent `saved` then. */
export const save = (as: PersistedState, tell?: 'tell') => ({
  type: 'save' as const,
  params: tell === undefined ? { as } : { as, tell: true },
});

export const hasHooks = (kind: HookKind) => ({ type: 'hasHooks' as const, params: { kind } });

/** Leads to a settled state, and writes that down. */
export const settle = (state: PersistedState) => ({ target: `#${state}`, actions: save(state) });

const isNow = (state: PersistedState) => ({
  guard: { type: 'isNow' as const, params: { state } },
  target: `#${state}`,
});

/** Leads to the state, if the kernel says that it is the container's. No request led to it, so nothing is written. */
export const observed = (state: PersistedState) => ({
  ...isNow(state),
  ...(state === 'paused' ? { actions: 'noteStart' as const } : {}),
});

/** Leads to the state, if the kernel says that it is the container's after a request. That is written down. */
export const found = (state: PersistedState) => ({
  ...isNow(state),
  actions: state === 'paused' ? (['noteStart', save(state)] as const) : save(state),
});

export interface Given {
  readonly context: LifecycleContext;
  readonly event: LifecycleEvent | InnerEvent;
}

/** What an effect is given: the record alone, … */
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

/** For `signal`: it says which processes the signal reaches. */
export function askedToKill({ context, event }: Given) {
  assertEvent(event, 'kill');
  return { record: context, request: { signal: event.signal, all: reachesAll(context.config, event) } };
}
