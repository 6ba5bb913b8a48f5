/** How a container comes to be, or comes back: one state a phase; a failure in any goes to unwinding. */

import type { PhaseName } from '../spec/record.ts';
import { fail, output, record, savedAs } from './parts.ts';
import type { Lifecycle } from './setup.ts';

const begin = (phase: PhaseName) => ({ type: 'begin' as const, params: { phase } });

const unwind = (during: string) => ({ target: '#container.unwinding', actions: fail(during) });

/** Runs the phases of `create`. Where hooks run follows runc: after the mounts, before pivot_root. */
export function creating(lifecycle: Lifecycle) {
  return lifecycle.createStateConfig({
    tags: ['creating'],
    initial: 'recordingIntent',
    states: {
      recordingIntent: {
        invoke: { src: 'save', input: savedAs('unfinished'), onDone: 'cgroup', onError: unwind('saving the state') },
      },
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
          onDone: { target: 'recordingInit', actions: output('keepInit') },
          onError: unwind('namespaces'),
        },
      },
      // From here on the init may outlive this command: its pid must be known to the next one.
      recordingInit: {
        invoke: { src: 'save', input: savedAs('unfinished'), onDone: 'mounts', onError: unwind('saving the state') },
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
        invoke: { src: 'prepareProcess', input: record, onDone: 'recordingCreated', onError: unwind('process') },
      },
      recordingCreated: {
        invoke: {
          src: 'save',
          input: savedAs('created'),
          onDone: '#container.created',
          onError: unwind('saving the state'),
        },
      },
      // Where a creation is found whose command died, or which could not be undone entirely.
      unfinished: {
        tags: ['settled'],
        on: { delete: { guard: 'forced', target: '#container.deleting' } },
      },
    },
  });
}

/** Brings a checkpointed container back: CRIU does what namespaces to process are for a new one. */
export function restoring(lifecycle: Lifecycle) {
  return lifecycle.createStateConfig({
    tags: ['creating'],
    initial: 'recordingIntent',
    states: {
      recordingIntent: {
        invoke: { src: 'save', input: savedAs('unfinished'), onDone: 'cgroup', onError: unwind('saving the state') },
      },
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
          onDone: { target: 'recordingRunning', actions: output('keepInit') },
          onError: unwind('restore'),
        },
      },
      recordingRunning: {
        invoke: {
          src: 'save',
          input: savedAs('running'),
          onDone: '#container.running',
          onError: unwind('saving the state'),
        },
      },
    },
  });
}
