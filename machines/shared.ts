/**
 * One machine for all the containers of a process: to build it takes longer (0.4 ms) than all that is done with it in a
 * container's life. Which effects it performs is told by the actor system that a container's actor is the root of.
 */

import type { AnyActor } from 'xstate';
import { actorsBy } from './actors.ts';
import { type ContainerMachine, containerMachine } from './container.ts';
import type { ContainerEffects } from './contract.ts';

export interface SharedMachine {
  readonly machine: ContainerMachine;
  /** To be called before the actor is started. */
  give(actor: Pick<AnyActor, 'system'>, effects: ContainerEffects): void;
}

export function sharedMachine(): SharedMachine {
  const given = new WeakMap<AnyActor['system'], ContainerEffects>();
  return {
    machine: containerMachine(
      actorsBy((system) => {
        const effects = given.get(system);
        if (effects === undefined) throw new TypeError('a container actor was started without effects');
        return effects;
      }),
    ),
    give: ({ system }, effects) => void given.set(system, effects),
  };
}
