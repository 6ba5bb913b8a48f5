/**
 * The lifecycle machine's vocabulary: types, effects by name, guards, actions. The chart is in container.ts.
 *
 * The chart refers to all of it by name, so that it is plain data: who draws or explores it loses nothing by JSON. The
 * effects have no implementation here; a command provides its own (actors.ts).
 */

import { assertEvent, assign, emit, fromPromise, type PromiseActorLogic, setup } from 'xstate';
import type { Restoration } from '../effects/criu/restoration.ts';
import type { CgroupRecord, ContainerRecord, Facts, HookKind, InitRecord, PhaseName } from '../spec/record.ts';
import type { Config, Hooks } from '../spec/types.ts';
import { type CheckpointRequest, EarlierFailure, type KillRequest, type UpdateRequest } from './contract.ts';
import type { Emitted, InnerEvent, LifecycleEvent } from './events.ts';
import type { PersistedState } from './persisted.ts';
import { observedState, reachesAll } from './rules.ts';
import type { Tag } from './status.ts';

/** The record, and while a container is restored what it is restored from, which is not written down. */
export interface LifecycleContext extends ContainerRecord {
  readonly restoration?: Restoration | undefined;
}

type Effect<Extra, Result = void> = { input: { record: ContainerRecord } & Extra; result: Result };

/** Every effect that the chart names: what it takes beside the record, and what it answers. */
export interface EffectTypes {
  makeCgroup: Effect<unknown, CgroupRecord>;
  enterNamespaces: Effect<unknown, InitRecord>;
  makeMounts: Effect<unknown>;
  runHooks: Effect<{ kind: HookKind }>;
  enterRootfs: Effect<unknown>;
  prepareProcess: Effect<unknown>;
  startProcess: Effect<unknown>;
  signal: Effect<{ request: KillRequest }>;
  freeze: Effect<unknown>;
  thaw: Effect<unknown>;
  update: Effect<{ request: UpdateRequest }, Config>;
  checkpoint: Effect<{ request: CheckpointRequest }>;
  restore: Effect<{ restoration: Restoration }, InitRecord>;
  observe: Effect<unknown, Facts>;
  destroyInit: Effect<unknown>;
  removeCgroup: Effect<unknown>;
  removeState: Effect<unknown>;
}

/** The effects as XState invokes them. */
export type EffectActors = {
  readonly [Name in keyof EffectTypes]: PromiseActorLogic<EffectTypes[Name]['result'], EffectTypes[Name]['input']>;
};

const unprovided = <Name extends keyof EffectTypes>() =>
  fromPromise<EffectTypes[Name]['result'], EffectTypes[Name]['input']>(() => {
    throw new TypeError('containerMachine performs nothing by itself: give it effects, by withEffects');
  });

export const lifecycle = setup({
  types: {
    context: {} as LifecycleContext,
    input: {} as ContainerRecord,
    events: {} as LifecycleEvent | InnerEvent,
    emitted: {} as Emitted,
    tags: {} as Tag,
  },
  actors: {
    makeCgroup: unprovided<'makeCgroup'>(),
    enterNamespaces: unprovided<'enterNamespaces'>(),
    makeMounts: unprovided<'makeMounts'>(),
    runHooks: unprovided<'runHooks'>(),
    enterRootfs: unprovided<'enterRootfs'>(),
    prepareProcess: unprovided<'prepareProcess'>(),
    startProcess: unprovided<'startProcess'>(),
    signal: unprovided<'signal'>(),
    freeze: unprovided<'freeze'>(),
    thaw: unprovided<'thaw'>(),
    update: unprovided<'update'>(),
    checkpoint: unprovided<'checkpoint'>(),
    restore: unprovided<'restore'>(),
    observe: unprovided<'observe'>(),
    destroyInit: unprovided<'destroyInit'>(),
    removeCgroup: unprovided<'removeCgroup'>(),
    removeState: unprovided<'removeState'>(),
  } satisfies EffectActors,
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
    /** Of a container that is paused: `resume` leads back to where it was. */
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
    /** Writes the record. The machine hears `unsaved` should that fail, and `saved` where it waits for that. */
    save: (_, _params: { as: PersistedState; tell?: boolean }) => undefined,
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

/** `prestart` hooks run with createRuntime's, before them (runtime-spec, config.md "prestart"). */
function hasHooks(config: Config, kind: HookKind): boolean {
  const some = (name: keyof Hooks) => (config.hooks?.[name]?.length ?? 0) > 0;
  return some(kind) || (kind === 'createRuntime' && some('prestart'));
}
