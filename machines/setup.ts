/** The lifecycle machine's vocabulary: types, effects by name, guards, actions. The chart is in container.ts. */

import { assign, emit, type PromiseActorLogic, setup } from 'xstate';
import { hasOwnPids } from '../spec/pids.ts';
import type { CgroupRecord, ContainerRecord, Facts, HookKind, InitRecord, PhaseName } from '../spec/record.ts';
import type { Config, Hooks } from '../spec/types.ts';
import type { CheckpointRequest, KillRequest } from './contract.ts';
import type { Emitted, LifecycleEvent } from './events.ts';
import type { Tag } from './status.ts';

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
  update: Effect<{ request: { config: Config } }, Config>;
  checkpoint: Effect<{ request: CheckpointRequest }>;
  restore: Effect<unknown, InitRecord>;
  observe: Effect<unknown, Facts>;
  destroyInit: Effect<unknown>;
  removeCgroup: Effect<unknown>;
  removeState: Effect<unknown>;
}

/** The effects as XState invokes them. */
export type EffectActors = {
  readonly [Name in keyof EffectTypes]: PromiseActorLogic<EffectTypes[Name]['result'], EffectTypes[Name]['input']>;
};

/** The machine's `setup`. The effects come in here, not by `provide`, which builds the whole machine a second time. */
export function lifecycle(actors: EffectActors) {
  return setup({
    types: {
      context: {} as ContainerRecord,
      input: {} as ContainerRecord,
      events: {} as LifecycleEvent,
      emitted: {} as Emitted,
      tags: {} as Tag,
    },
    actors,
    guards: {
      forced: ({ event }) => event.type === 'delete' && event.force,
      toAll: ({ context, event }) => event.type === 'kill' && (event.all || killsAll(context.config, event.signal)),
      ignoringPause: ({ event }) => event.type === 'exec' && event.ignorePaused,
      hasHooks: ({ context }, params: { kind: HookKind }) => hasHooks(context.config, params.kind),
      began: ({ context }, params: { phase: PhaseName }) => context.begun.includes(params.phase),
      neverCreated: ({ context }) => context.reached === 'creating',
      wasRunning: ({ context }) => context.reached === 'running',
      nothingLeft: ({ context }) => context.leftovers.length === 0,
      initGone: (_, facts: Facts) => facts.init === 'gone',
      frozen: (_, facts: Facts) => facts.frozen,
      started: ({ context }, facts: Facts) => facts.started || context.reached === 'running',
    },
    actions: {
      begin: assign({ begun: ({ context }, params: { phase: PhaseName }) => [...context.begun, params.phase] }),
      reach: assign({ reached: (_, params: { point: ContainerRecord['reached'] }) => params.point }),
      keepCgroup: assign({ cgroup: (_, cgroup: CgroupRecord) => cgroup }),
      keepInit: assign({ init: (_, init: InitRecord) => init }),
      keepConfig: assign({ config: (_, config: Config) => config }),
      noteLeftover: assign({
        leftovers: ({ context }, params: { what: string }) => [...context.leftovers, params.what],
      }),
      fail: emit((_, params: { during: string; error: unknown }) => ({ type: 'failed' as const, ...params })),
      warn: emit((_, params: { during: string; error: unknown }) => ({ type: 'warned' as const, ...params })),
    },
  });
}

export type Lifecycle = ReturnType<typeof lifecycle>;

const SIGKILL = 9;

/** Without a pid namespace of its own, what is left of a container outlives its init. */
const killsAll = (config: Config, signal: number): boolean => signal === SIGKILL && !hasOwnPids(config);

/** `prestart` hooks run with createRuntime's, before them (runtime-spec, config.md "prestart"). */
function hasHooks(config: Config, kind: HookKind): boolean {
  const some = (name: keyof Hooks) => (config.hooks?.[name]?.length ?? 0) > 0;
  return some(kind) || (kind === 'createRuntime' && some('prestart'));
}
