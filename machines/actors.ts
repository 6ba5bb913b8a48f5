/** A command's effects become the actors and the action that the machine's states name. */

import { fromPromise } from 'xstate';
import { type ContainerMachine, containerMachine } from './container.ts';
import type { ContainerEffects } from './contract.ts';
import type { EffectTypes } from './setup.ts';

/** The machine that performs these effects. */
export function withEffects(effects: ContainerEffects): ContainerMachine {
  return containerMachine.provide({
    actors: {
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
      update: actor<'update'>(({ record, request }) => effects.update(record, request)),
      checkpoint: actor<'checkpoint'>(({ record, request }) => effects.checkpoint(record, request)),
      restore: actor<'restore'>(({ record, restoration }) => effects.restore(record, { restoration })),
      observe: actor<'observe'>(({ record }) => effects.observe(record)),
      destroyInit: actor<'destroyInit'>(({ record }) => effects.destroyInit(record)),
      removeCgroup: actor<'removeCgroup'>(({ record }) => effects.removeCgroup(record)),
      removeState: actor<'removeState'>(({ record }) => effects.removeState(record)),
    },
    actions: {
      save({ context: { restoration: _, ...record }, self }, { as, tell = false }) {
        try {
          effects.save(record, as);
          if (tell) self.send({ type: 'saved' });
        } catch (error) {
          self.send({ type: 'unsaved', error });
        }
      },
    },
  });
}

type Perform<Name extends keyof EffectTypes> = (
  input: EffectTypes[Name]['input'],
) => EffectTypes[Name]['result'] | Promise<EffectTypes[Name]['result']>;

function actor<Name extends keyof EffectTypes>(perform: Perform<Name>) {
  return fromPromise<EffectTypes[Name]['result'], EffectTypes[Name]['input']>(async ({ input, signal }) => {
    // XState tells of a state once what it invokes has been started: so who watches sees the state before the effect.
    await undefined;
    // The record could not be written, and the state has been left already.
    signal.throwIfAborted();
    return perform(input);
  });
}
