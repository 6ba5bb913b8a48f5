/**
 * The words that the lifecycle machine is written in: types, effects, guards, actions. The chart is in container.ts.
 *
 * The chart refers to all of them by name, so it is plain data: tools that draw or explore it lose nothing by JSON. A
 * command's effects come with the input of its actor. XState's `provide` would build the whole machine anew, which
 * costs a program that has many containers more than all else that the machine does for them.
 */

import { assertEvent, assign, emit, fromPromise, setup } from 'xstate';
import type { ContainerRecord, Facts, HookKind, PhaseName } from '../spec/record.ts';
import type { Config, Hooks } from '../spec/types.ts';
import { type ContainerEffects, EarlierFailure, type LifecycleContext, type LifecycleInput } from './contract.ts';
import type { EffectTypes } from './effect-types.ts';
import type { Emitted, InnerEvent, LifecycleEvent } from './events.ts';
import { recordOf } from './persisted.ts';
import { observedState, reachesAll } from './rules.ts';
import type { PersistedState, Tag } from './status.ts';

type Perform<Name extends keyof EffectTypes> = (
  effects: ContainerEffects,
  input: EffectTypes[Name]['input'],
) => EffectTypes[Name]['result'] | Promise<EffectTypes[Name]['result']>;

function effect<Name extends keyof EffectTypes>(perform: Perform<Name>) {
  return fromPromise<EffectTypes[Name]['result'], EffectTypes[Name]['input']>(async ({ input, signal }) => {
    // XState tells subscribers of a state after it has started what the state invokes. Without this wait, they would
    // see the effect before the state.
    await undefined;
    // The state may have been left meanwhile, since the record could not be written.
    signal.throwIfAborted();
    return perform(given(input.record), input);
  });
}

function given({ effects }: LifecycleContext): ContainerEffects {
  if (effects === undefined) throw new TypeError('containerMachine was given no effects to perform');
  return effects;
}

export const lifecycle = setup({
  types: {
    context: {} as LifecycleContext,
    input: {} as LifecycleInput,
    events: {} as LifecycleEvent | InnerEvent,
    emitted: {} as Emitted,
    tags: {} as Tag,
  },
  actors: {
    makeCgroup: effect<'makeCgroup'>((effects, { record }) => effects.makeCgroup(record)),
    enterNamespaces: effect<'enterNamespaces'>((effects, { record }) => effects.enterNamespaces(record)),
    makeMounts: effect<'makeMounts'>((effects, { record }) => effects.makeMounts(record)),
    runHooks: effect<'runHooks'>((effects, { record, kind }) => effects.runHooks(record, kind)),
    enterRootfs: effect<'enterRootfs'>((effects, { record }) => effects.enterRootfs(record)),
    prepareProcess: effect<'prepareProcess'>((effects, { record }) => effects.prepareProcess(record)),
    startProcess: effect<'startProcess'>((effects, { record }) => effects.startProcess(record)),
    signal: effect<'signal'>((effects, { record, request }) => effects.signal(record, request)),
    freeze: effect<'freeze'>((effects, { record }) => effects.freeze(record)),
    thaw: effect<'thaw'>((effects, { record }) => effects.thaw(record)),
    update: effect<'update'>((effects, { record, request }) => effects.update(record, request)),
    checkpoint: effect<'checkpoint'>((effects, { record, request }) => effects.checkpoint(record, request)),
    restore: effect<'restore'>((effects, { record, restoration }) => effects.restore(record, { restoration })),
    observe: effect<'observe'>((effects, { record }) => effects.observe(record)),
    destroyInit: effect<'destroyInit'>((effects, { record }) => effects.destroyInit(record)),
    removeCgroup: effect<'removeCgroup'>((effects, { record }) => effects.removeCgroup(record)),
    removeState: effect<'removeState'>((effects, { record }) => effects.removeState(record)),
  },
  guards: {
    forced: ({ event }) => event.type === 'delete' && event.force,
    toAll: ({ context, event }) => event.type === 'kill' && reachesAll(context.config, event),
    ignoringPause: ({ event }) => event.type === 'exec' && event.ignorePaused,
    hasHooks: ({ context }, params: { kind: HookKind }) => hasHooks(context.config, params.kind),
    began: ({ context }, params: { phase: PhaseName }) => context.begun.includes(params.phase),
    neverCreated: ({ context }) => context.reached === 'creating',
    wasRunning: ({ context }) => context.reached === 'running',
    nothingLeft: ({ context }) => context.leftovers.length === 0,
    isNow: ({ context, event }, params: { state: PersistedState }) =>
      observedState(context, factsOf(event)) === params.state,
  },
  actions: {
    begin: assign({ begun: ({ context }, params: { phase: PhaseName }) => [...context.begun, params.phase] }),
    reach: assign({ reached: (_, params: { point: ContainerRecord['reached'] }) => params.point }),
    /** A paused container may have been started. `resume` leads back to where it was. */
    noteStart: assign({ reached: ({ context, event }) => (factsOf(event).started ? 'running' : context.reached) }),
    keepRestoration: assign({
      restoration: ({ event }) => {
        assertEvent(event, 'restore');
        return event.restoration;
      },
    }),
    dropRestoration: assign({ restoration: undefined }),
    keepCgroup: assign({
      cgroup: ({ event }) => {
        assertEvent(event, 'xstate.done.actor.makeCgroup');
        return event.output;
      },
    }),
    keepInit: assign({
      init: ({ event }) => {
        assertEvent(event, ['xstate.done.actor.enterNamespaces', 'xstate.done.actor.restore']);
        return event.output;
      },
    }),
    keepConfig: assign({
      config: ({ event }) => {
        assertEvent(event, 'xstate.done.actor.update');
        return event.output;
      },
    }),
    noteLeftover: assign({
      leftovers: ({ context }, params: { what: string }) => [...context.leftovers, params.what],
    }),
    /** Writes the record. The machine is sent `unsaved` if that fails, and `saved` if it waits for that. */
    save({ context, self }, { as, tell }: { as: PersistedState; tell?: boolean }) {
      try {
        context.effects?.save(recordOf(context), as);
        if (tell) self.send({ type: 'saved' });
      } catch (error) {
        self.send({ type: 'unsaved', error });
      }
    },
    fail: emit(({ event }, { during }: { during: string }) => failure('failed', during, event)),
    warn: emit(({ event }, { during }: { during: string }) => failure('warned', during, event)),
  },
});

function failure<Type extends Emitted['type']>(type: Type, during: string, event: LifecycleEvent | InnerEvent) {
  const error = 'error' in event ? event.error : undefined;
  return error instanceof EarlierFailure ? { type, during: error.during, error: error.error } : { type, during, error };
}

function factsOf(event: LifecycleEvent | InnerEvent): Facts {
  assertEvent(event, ['observed', 'xstate.done.actor.observe']);
  return event.type === 'observed' ? event.facts : event.output;
}

/** Whether there are such hooks. `prestart` hooks run before those of createRuntime (config.md, "prestart"). */
function hasHooks(config: Config, kind: HookKind): boolean {
  const some = (name: keyof Hooks) => (config.hooks?.[name]?.length ?? 0) > 0;
  return some(kind) || (kind === 'createRuntime' && some('prestart'));
}
