/** How a container comes to be, or comes back: one state a phase; a failure in any goes to unwinding. */

import type { PhaseName } from '../spec/record.ts';
import { fail, output, record } from './parts.ts';
import type { Lifecycle } from './setup.ts';

const begin = (phase: PhaseName) => ({ type: 'begin' as const, params: { phase } });

const unwind = (during: string) => ({ target: '#unwinding', actions: fail(during) });

/** Where a creation is found whose command died, or which could not be undone entirely. */
function unfinished(lifecycle: Lifecycle) {
  return lifecycle.createStateConfig({
    id: 'unfinished',
    tags: ['settled'],
    on: { delete: { guard: 'forced', target: '#deleting' } },
  });
}

/** The state of a container that is there already: it is not created once more. */
export function onceCreating(lifecycle: Lifecycle) {
  return lifecycle.createStateConfig({
    tags: ['creating'],
    initial: 'unfinished',
    states: { unfinished: unfinished(lifecycle) },
  });
}

/**
 * The phases of `create`. Where hooks run follows runc: after the mounts, before pivot_root.
 * The effects of `cgroup`, `mounts` and `process` also write the record (actors.ts): before anything is done,
 * once the init is there, and when the container is created.
 */
export function creating(lifecycle: Lifecycle) {
  return lifecycle.createStateConfig({
    tags: ['creating'],
    initial: 'cgroup',
    states: {
      cgroup: {
        entry: begin('cgroup'),
        invoke: {
          src: 'makeCgroup',
          input: record,
          onDone: { target: 'namespaces', actions: output('keepCgroup') },
          onError: unwind('cgroup'),
        },
      },
      namespaces: {
        entry: begin('namespaces'),
        invoke: {
          src: 'enterNamespaces',
          input: record,
          onDone: { target: 'mounts', actions: output('keepInit') },
          onError: unwind('namespaces'),
        },
      },
      mounts: {
        entry: begin('mounts'),
        invoke: {
          src: 'makeMounts',
          input: record,
          onDone: [
            { guard: { type: 'hasHooks', params: { kind: 'createRuntime' } }, target: 'createRuntimeHooks' },
            { guard: { type: 'hasHooks', params: { kind: 'createContainer' } }, target: 'createContainerHooks' },
            { target: 'rootfs' },
          ],
          onError: unwind('mounts'),
        },
      },
      createRuntimeHooks: {
        entry: begin('createRuntimeHooks'),
        invoke: {
          src: 'runHooks',
          input: ({ context }) => ({ record: context, kind: 'createRuntime' }),
          onDone: [
            { guard: { type: 'hasHooks', params: { kind: 'createContainer' } }, target: 'createContainerHooks' },
            { target: 'rootfs' },
          ],
          onError: unwind('createRuntime hooks'),
        },
      },
      createContainerHooks: {
        entry: begin('createContainerHooks'),
        invoke: {
          src: 'runHooks',
          input: ({ context }) => ({ record: context, kind: 'createContainer' }),
          onDone: 'rootfs',
          onError: unwind('createContainer hooks'),
        },
      },
      rootfs: {
        entry: begin('rootfs'),
        invoke: { src: 'enterRootfs', input: record, onDone: 'process', onError: unwind('rootfs') },
      },
      process: {
        entry: begin('process'),
        invoke: { src: 'prepareProcess', input: record, onDone: '#created', onError: unwind('process') },
      },
      unfinished: unfinished(lifecycle),
    },
  });
}

/** Brings a checkpointed container back: CRIU does what namespaces to process are for a new one. */
export function restoring(lifecycle: Lifecycle) {
  return lifecycle.createStateConfig({
    tags: ['creating'],
    initial: 'cgroup',
    states: {
      cgroup: {
        entry: begin('cgroup'),
        invoke: {
          src: 'makeCgroup',
          input: record,
          onDone: { target: 'processes', actions: output('keepCgroup') },
          onError: unwind('cgroup'),
        },
      },
      processes: {
        entry: begin('namespaces'),
        invoke: {
          src: 'restore',
          input: record,
          onDone: { target: '#running', actions: output('keepInit') },
          onError: unwind('restore'),
        },
      },
    },
  });
}
