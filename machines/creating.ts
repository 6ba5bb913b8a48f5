/** How a container comes to be, or comes back: one state a phase; a failure in any goes to unwinding. */

import { begin, fail, hasHooks, hooksOf, record, restorationOf, save, warn } from './parts.ts';
import { lifecycle } from './setup.ts';

const unwind = (during: string) => ({ target: '#unwinding', actions: fail(during) });

const UNSAVED = { unsaved: unwind('saving the state') };

/**
 * The phases of `create`. Where hooks run follows runc: after the mounts, before pivot_root.
 * The record is written three times, so that a command that dies leaves enough for `delete --force`: before its first
 * effect; once there is an init, which might outlive the command; when the container is created.
 */
export const creating = lifecycle.createStateConfig({
  tags: ['creating'],
  initial: 'cgroup',
  on: UNSAVED,
  states: {
    cgroup: {
      entry: [begin('cgroup'), save('unfinished')],
      invoke: {
        id: 'makeCgroup',
        src: 'makeCgroup',
        input: record,
        onDone: { target: 'namespaces', actions: 'keepCgroup' },
        onError: unwind('cgroup'),
      },
    },
    namespaces: {
      entry: begin('namespaces'),
      invoke: {
        id: 'enterNamespaces',
        src: 'enterNamespaces',
        input: record,
        onDone: { target: 'mounts', actions: 'keepInit' },
        onError: unwind('namespaces'),
      },
    },
    mounts: {
      entry: [begin('mounts'), save('unfinished')],
      invoke: {
        id: 'makeMounts',
        src: 'makeMounts',
        input: record,
        onDone: [
          { guard: hasHooks('createRuntime'), target: 'createRuntimeHooks' },
          { guard: hasHooks('createContainer'), target: 'createContainerHooks' },
          { target: 'rootfs' },
        ],
        onError: unwind('mounts'),
      },
    },
    createRuntimeHooks: {
      entry: begin('createRuntimeHooks'),
      invoke: {
        id: 'runHooks',
        src: 'runHooks',
        input: hooksOf('createRuntime'),
        onDone: [{ guard: hasHooks('createContainer'), target: 'createContainerHooks' }, { target: 'rootfs' }],
        onError: unwind('createRuntime hooks'),
      },
    },
    createContainerHooks: {
      entry: begin('createContainerHooks'),
      invoke: {
        id: 'runHooks',
        src: 'runHooks',
        input: hooksOf('createContainer'),
        onDone: 'rootfs',
        onError: unwind('createContainer hooks'),
      },
    },
    rootfs: {
      entry: begin('rootfs'),
      invoke: { id: 'enterRootfs', src: 'enterRootfs', input: record, onDone: 'process', onError: unwind('rootfs') },
    },
    process: {
      entry: begin('process'),
      invoke: {
        id: 'prepareProcess',
        src: 'prepareProcess',
        input: record,
        onDone: 'saving',
        onError: unwind('process'),
      },
    },
    // It is created once that is written: `start` could not find it otherwise.
    saving: {
      entry: save('created', 'tell'),
      on: { saved: '#created' },
    },
    // Where a creation is found whose command died, or which could not be undone entirely.
    unfinished: {
      id: 'unfinished',
      tags: ['settled'],
      entry: save('unfinished'),
      on: {
        delete: { guard: 'forced', target: '#deleting' },
        // What has failed already is told, and nothing more can be undone.
        unsaved: { actions: warn('saving the state') },
      },
    },
  },
});

/** Brings a checkpointed container back: CRIU does what namespaces to process are for a new one. */
export const restoring = lifecycle.createStateConfig({
  tags: ['creating'],
  initial: 'cgroup',
  entry: 'keepRestoration',
  exit: 'dropRestoration',
  on: UNSAVED,
  states: {
    cgroup: {
      entry: [begin('cgroup'), save('unfinished')],
      invoke: {
        id: 'makeCgroup',
        src: 'makeCgroup',
        input: record,
        onDone: { target: 'processes', actions: 'keepCgroup' },
        onError: unwind('cgroup'),
      },
    },
    processes: {
      entry: begin('namespaces'),
      invoke: {
        id: 'restore',
        src: 'restore',
        input: restorationOf,
        onDone: { target: 'saving', actions: 'keepInit' },
        onError: unwind('restore'),
      },
    },
    saving: {
      entry: save('running', 'tell'),
      on: { saved: '#running' },
    },
  },
});
