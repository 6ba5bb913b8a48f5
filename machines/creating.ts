/** How a container is created or restored. Each phase is a state. A failure in any of them leads to `unwinding`. */

import { begin, fail, hasHooks, hooksOf, record, restorationOf, save, warn } from './parts.ts';
import { lifecycle } from './setup.ts';

const unwind = (during: string) => ({ target: '#unwinding', actions: fail(during) });

const UNSAVED = { unsaved: unwind('saving the state') };

/**
 * The phases of `create`. Hooks run where runc runs them: after the mounts, before pivot_root.
 *
 * The record is written three times, so that a command that dies leaves enough for `delete --force`: before the first
 * effect; when there is an init, since it might outlive the command; and when the container is created.
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
    // The container is created when that is written: otherwise `start` would not find it.
    saving: {
      entry: save('created', 'tell'),
      on: { saved: '#created' },
    },
    // The command that created it has died, or not all of the creation could be undone.
    unfinished: {
      id: 'unfinished',
      tags: ['settled'],
      entry: save('unfinished'),
      on: {
        delete: { guard: 'forced', target: '#deleting' },
        // The failure that led here is told already, and nothing more can be undone.
        unsaved: { actions: warn('saving the state') },
      },
    },
  },
});

/** Brings a checkpointed container back. CRIU does what the phases from `namespaces` to `process` do for a new one. */
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
