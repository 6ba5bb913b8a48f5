/**
 * How a container goes: init, cgroup, directory, then the poststop hooks, which are told of a container that is no more.
 * `deleting` stops at what fails, so that `delete` can be tried again; `unwinding` after a failed creation tries
 * everything that began, and keeps the directory if something is left that only `delete --force` can find.
 */

import type { ContainerRecord, PhaseName } from '../spec/record.ts';
import { fail, record, warn } from './parts.ts';
import type { Lifecycle } from './setup.ts';

const poststop = ({ context }: { context: ContainerRecord }) => ({ record: context, kind: 'poststop' as const });

const hasPoststop = { type: 'hasHooks' as const, params: { kind: 'poststop' as const } };

export function deleting(lifecycle: Lifecycle) {
  const lookAgain = (during: string) => ({ target: '#observing', actions: fail(during) });
  return lifecycle.createStateConfig({
    id: 'deleting',
    tags: ['stopped'],
    initial: 'init',
    states: {
      init: { invoke: { src: 'destroyInit', input: record, onDone: 'cgroup', onError: lookAgain('killing the init') } },
      cgroup: {
        invoke: { src: 'removeCgroup', input: record, onDone: 'directory', onError: lookAgain('removing the cgroup') },
      },
      directory: {
        invoke: {
          src: 'removeState',
          input: record,
          onDone: [{ guard: hasPoststop, target: 'poststopHooks' }, { target: '#deleted' }],
          onError: lookAgain('removing the state'),
        },
      },
      poststopHooks: {
        invoke: {
          src: 'runHooks',
          input: poststop,
          onDone: '#deleted',
          onError: { target: '#deleted', actions: warn('poststop hooks') },
        },
      },
    },
  });
}

export function unwinding(lifecycle: Lifecycle) {
  const began = (phase: PhaseName) => ({ type: 'began' as const, params: { phase } });
  const left = (what: string) => [fail(`undoing the ${what}`), { type: 'noteLeftover' as const, params: { what } }];
  return lifecycle.createStateConfig({
    id: 'unwinding',
    tags: ['stopped'],
    initial: 'whatBegan',
    states: {
      whatBegan: {
        always: [
          { guard: began('namespaces'), target: 'init' },
          { guard: began('cgroup'), target: 'cgroup' },
          { target: 'directory' },
        ],
      },
      init: {
        invoke: {
          src: 'destroyInit',
          input: record,
          onDone: 'cgroup',
          onError: { target: 'cgroup', actions: left('init') },
        },
      },
      cgroup: {
        invoke: {
          src: 'removeCgroup',
          input: record,
          onDone: [{ guard: 'nothingLeft', target: 'directory' }, { target: '#unfinished' }],
          onError: { target: '#unfinished', actions: left('cgroup') },
        },
      },
      directory: {
        invoke: {
          src: 'removeState',
          input: record,
          onDone: [{ guard: hasPoststop, target: 'poststopHooks' }, { target: '#failed' }],
          onError: { target: '#unfinished', actions: left('state') },
        },
      },
      poststopHooks: {
        invoke: {
          src: 'runHooks',
          input: poststop,
          onDone: '#failed',
          onError: { target: '#failed', actions: warn('poststop hooks') },
        },
      },
    },
  });
}
