/** Turns a command's effects into the actors that the machine's states invoke. */

import { fromPromise } from 'xstate';
import type { ContainerEffects } from './contract.ts';
import type { EffectActors, EffectTypes } from './setup.ts';

function actor<Name extends keyof EffectTypes>(
  perform: (input: EffectTypes[Name]['input']) => EffectTypes[Name]['result'] | Promise<EffectTypes[Name]['result']>,
) {
  return fromPromise<EffectTypes[Name]['result'], EffectTypes[Name]['input']>(async ({ input }) => perform(input));
}

export function actorsOf(effects: ContainerEffects): EffectActors {
  return {
    save: actor<'save'>(({ record, as }) => effects.save(record, as)),
    makeCgroup: actor<'makeCgroup'>(({ record }) => effects.makeCgroup(record)),
    enterNamespaces: actor<'enterNamespaces'>(({ record }) => effects.enterNamespaces(record)),
    makeMounts: actor<'makeMounts'>(({ record }) => effects.makeMounts(record)),
    runHooks: actor<'runHooks'>(({ record, kind }) => effects.runHooks(record, kind)),
    enterRootfs: actor<'enterRootfs'>(({ record }) => effects.enterRootfs(record)),
    prepareProcess: actor<'prepareProcess'>(({ record }) => effects.prepareProcess(record)),
    startProcess: actor<'startProcess'>(({ record }) => effects.startProcess(record)),
    signal: actor<'signal'>(({ record, request }) => effects.signal(record, request)),
    freeze: actor<'freeze'>(({ record }) => effects.freeze(record)),
    thaw: actor<'thaw'>(({ record }) => effects.thaw(record)),
    update: actor<'update'>(({ record, request }) => effects.update(record, request.config)),
    checkpoint: actor<'checkpoint'>(({ record, request }) => effects.checkpoint(record, request)),
    restore: actor<'restore'>(({ record }) => effects.restore(record)),
    observe: actor<'observe'>(({ record }) => effects.observe(record)),
    destroyInit: actor<'destroyInit'>(({ record }) => effects.destroyInit(record)),
    removeCgroup: actor<'removeCgroup'>(({ record }) => effects.removeCgroup(record)),
    removeState: actor<'removeState'>(({ record }) => effects.removeState(record)),
  };
}
