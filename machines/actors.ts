/** Turns a command's effects into the actors that the machine's states invoke. */

import { fromPromise } from 'xstate';
import type { ContainerEffects } from './contract.ts';
import type { EffectActors, EffectTypes } from './setup.ts';

function actor<Name extends keyof EffectTypes>(
  perform: (input: EffectTypes[Name]['input']) => EffectTypes[Name]['result'] | Promise<EffectTypes[Name]['result']>,
) {
  return fromPromise<EffectTypes[Name]['result'], EffectTypes[Name]['input']>(async ({ input }) => {
    // XState tells of a state once what it invokes has been started: so who watches sees the state before the effect.
    await undefined;
    return perform(input);
  });
}

/**
 * A creation writes its record three times, so that a command that dies leaves enough for `delete --force`:
 * before its first effect; once there is an init, which might outlive the command; when the container is created.
 * (No states of their own in the chart: each would cost a cold start 0.2 ms.)
 */
export function actorsOf(effects: ContainerEffects): EffectActors {
  return {
    makeCgroup: actor<'makeCgroup'>(async ({ record }) => {
      await effects.save(record, 'unfinished');
      return effects.makeCgroup(record);
    }),
    enterNamespaces: actor<'enterNamespaces'>(({ record }) => effects.enterNamespaces(record)),
    makeMounts: actor<'makeMounts'>(async ({ record }) => {
      await effects.save(record, 'unfinished');
      return effects.makeMounts(record);
    }),
    runHooks: actor<'runHooks'>(({ record, kind }) => effects.runHooks(record, kind)),
    enterRootfs: actor<'enterRootfs'>(({ record }) => effects.enterRootfs(record)),
    prepareProcess: actor<'prepareProcess'>(async ({ record }) => {
      await effects.prepareProcess(record);
      return effects.save(record, 'created');
    }),
    startProcess: actor<'startProcess'>(({ record }) => effects.startProcess(record)),
    signal: actor<'signal'>(({ record, request }) => effects.signal(record, request)),
    freeze: actor<'freeze'>(({ record }) => effects.freeze(record)),
    thaw: actor<'thaw'>(({ record }) => effects.thaw(record)),
    update: actor<'update'>(({ record, request }) => effects.update(record, request.config)),
    checkpoint: actor<'checkpoint'>(({ record, request }) => effects.checkpoint(record, request)),
    restore: actor<'restore'>(async ({ record }) => {
      const init = await effects.restore(record);
      await effects.save({ ...record, init }, 'running');
      return init;
    }),
    observe: actor<'observe'>(({ record }) => effects.observe(record)),
    destroyInit: actor<'destroyInit'>(({ record }) => effects.destroyInit(record)),
    removeCgroup: actor<'removeCgroup'>(({ record }) => effects.removeCgroup(record)),
    removeState: actor<'removeState'>(({ record }) => effects.removeState(record)),
  };
}
