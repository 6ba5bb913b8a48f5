/** Turns a command's effects into the actors that the machine's states invoke. */

import { type AnyActor, fromPromise } from 'xstate';
import type { ContainerEffects } from './contract.ts';
import type { EffectActors, EffectTypes } from './setup.ts';

type Perform<Name extends keyof EffectTypes> = (
  effects: ContainerEffects,
  input: EffectTypes[Name]['input'],
) => EffectTypes[Name]['result'] | Promise<EffectTypes[Name]['result']>;

/** The actors of a machine that works with the same effects all its life. */
export const actorsOf = (effects: ContainerEffects): EffectActors => actorsBy(() => effects);

/**
 * @param effectsOf the effects of the container whose actor is the root of this system
 *
 * A creation writes its record three times, so that a command that dies leaves enough for `delete --force`:
 * before its first effect; once there is an init, which might outlive the command; when the container is created.
 * (No states of their own in the chart: each would cost a cold start 0.2 ms.)
 */
export function actorsBy(effectsOf: (system: AnyActor['system']) => ContainerEffects): EffectActors {
  function actor<Name extends keyof EffectTypes>(perform: Perform<Name>) {
    return fromPromise<EffectTypes[Name]['result'], EffectTypes[Name]['input']>(async ({ input, system }) => {
      // XState tells of a state once what it invokes has been started: so who watches sees the state before the effect.
      await undefined;
      return perform(effectsOf(system), input);
    });
  }
  return {
    makeCgroup: actor<'makeCgroup'>(async (effects, { record }) => {
      await effects.save(record, 'unfinished');
      return effects.makeCgroup(record);
    }),
    enterNamespaces: actor<'enterNamespaces'>((effects, { record }) => effects.enterNamespaces(record)),
    makeMounts: actor<'makeMounts'>(async (effects, { record }) => {
      await effects.save(record, 'unfinished');
      return effects.makeMounts(record);
    }),
    runHooks: actor<'runHooks'>((effects, { record, kind }) => effects.runHooks(record, kind)),
    enterRootfs: actor<'enterRootfs'>((effects, { record }) => effects.enterRootfs(record)),
    prepareProcess: actor<'prepareProcess'>(async (effects, { record }) => {
      await effects.prepareProcess(record);
      return effects.save(record, 'created');
    }),
    startProcess: actor<'startProcess'>((effects, { record }) => effects.startProcess(record)),
    signal: actor<'signal'>((effects, { record, request }) => effects.signal(record, request)),
    freeze: actor<'freeze'>((effects, { record }) => effects.freeze(record)),
    thaw: actor<'thaw'>((effects, { record }) => effects.thaw(record)),
    update: actor<'update'>((effects, { record, request }) => effects.update(record, request.config)),
    checkpoint: actor<'checkpoint'>((effects, { record, request }) => effects.checkpoint(record, request)),
    restore: actor<'restore'>(async (effects, { record }) => {
      const init = await effects.restore(record);
      await effects.save({ ...record, init }, 'running');
      return init;
    }),
    observe: actor<'observe'>((effects, { record }) => effects.observe(record)),
    destroyInit: actor<'destroyInit'>((effects, { record }) => effects.destroyInit(record)),
    removeCgroup: actor<'removeCgroup'>((effects, { record }) => effects.removeCgroup(record)),
    removeState: actor<'removeState'>((effects, { record }) => effects.removeState(record)),
  };
}
