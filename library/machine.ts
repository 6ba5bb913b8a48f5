/**
 * The lifecycle machine by itself: for tools that draw it, explore it or ask what a state permits, and for tests of a
 * program's own. Nothing here touches the host.
 *
 * ```ts
 * import { createActor } from 'xstate';
 * const input = { record: newRecord('c1'), effects: pretendEffects() };
 * const actor = createActor(containerMachine, { id: 'c1', input }).start();
 * actor.send({ type: 'create' });
 * ```
 */

import type { ContainerEffects } from '../machines/contract.ts';
import type { ContainerRecord, Facts } from '../spec/record.ts';
import type { Config } from '../spec/types.ts';
import { OCI_VERSION } from '../spec/version.ts';

export { type ContainerMachine, containerMachine } from '../machines/container.ts';
export type { ContainerEffects, LifecycleContext, LifecycleInput } from '../machines/contract.ts';
export type { Emitted, LifecycleEvent, Observation, Request } from '../machines/events.ts';
export type { ContainerRecord, Facts } from '../spec/record.ts';

/** What a machine's actor begins with: the record of a container that is not there yet. */
export function newRecord(id: string, config: Config = { ociVersion: OCI_VERSION }): ContainerRecord {
  return {
    id,
    bundle: '/',
    root: '/run/runchart',
    ociVersion: config.ociVersion,
    rootfs: '/',
    created: new Date(0).toISOString(),
    owner: 0,
    annotations: config.annotations ?? {},
    config,
    options: { noPivot: false, noNewKeyring: false, systemdCgroup: false, preserveFds: 0 },
    begun: [],
    reached: 'creating',
    leftovers: [],
  };
}

const PRETENDED_PID = 1_000_000;

/**
 * Effects that do nothing, and remember what they would have done: a kernel in which nothing ever fails. Give some of
 * your own instead, to see what the machine makes of a failure.
 */
export function pretendEffects(own: Partial<ContainerEffects> = {}): ContainerEffects {
  const facts: { -readonly [Name in keyof Facts]: Facts[Name] } = { init: 'gone', frozen: false, started: false };
  const begin = () => {
    facts.init = 'alive';
    return { pid: PRETENDED_PID, startTime: '1' };
  };
  const end = (): void => void Object.assign(facts, { init: 'gone', frozen: false, started: false });
  const nothing = (): void => undefined;
  return {
    save: nothing,
    makeCgroup: () => ({ layout: 'v2', driver: 'fs', paths: {} }),
    enterNamespaces: begin,
    makeMounts: nothing,
    runHooks: nothing,
    enterRootfs: nothing,
    prepareProcess: nothing,
    startProcess: () => {
      facts.started = true;
    },
    signal: (_, { signal }) => {
      if (signal === SIGKILL) end();
    },
    freeze: () => {
      facts.frozen = true;
    },
    thaw: () => {
      facts.frozen = false;
    },
    update: (_, { config }) => config,
    checkpoint: nothing,
    restore: () => {
      facts.started = true;
      return begin();
    },
    observe: () => ({ ...facts }),
    destroyInit: end,
    removeCgroup: nothing,
    removeState: nothing,
    ...own,
  };
}

const SIGKILL = 9;
