/**
 * How a container is removed: first the init, then the cgroup, then the directory. The poststop hooks come last, when
 * the container is gone.
 *
 * `deleting` stops at the first failure, so that `delete` can be tried again. `unwinding` follows a failed creation: it
 * undoes every phase that began, even if an undo fails. If something is left, it keeps the directory, by which `delete
 * --force` finds the rest.
 */

import type { PhaseName } from '../spec/record.ts';
import { fail, hasHooks, hooksOf, record, warn } from './parts.ts';
import { lifecycle } from './setup.ts';

const poststopHooks = (end: 'deleted' | 'failed') =>
  lifecycle.createStateConfig({
    invoke: {
      id: 'runHooks',
      src: 'runHooks',
      input: hooksOf('poststop'),
      onDone: `#${end}`,
      onError: { target: `#${end}`, actions: warn('poststop hooks') },
    },
  });

const lookAgain = (during: string) => ({ target: '#observing', actions: fail(during) });

export const deleting = lifecycle.createStateConfig({
  id: 'deleting',
  tags: ['stopped'],
  initial: 'init',
  states: {
    init: {
      invoke: {
        id: 'destroyInit',
        src: 'destroyInit',
        input: record,
        onDone: 'cgroup',
        onError: lookAgain('killing the init'),
      },
    },
    cgroup: {
      invoke: {
        id: 'removeCgroup',
        src: 'removeCgroup',
        input: record,
        onDone: 'directory',
        onError: lookAgain('removing the cgroup'),
      },
    },
    directory: {
      invoke: {
        id: 'removeState',
        src: 'removeState',
        input: record,
        onDone: [{ guard: hasHooks('poststop'), target: 'poststopHooks' }, { target: '#deleted' }],
        onError: lookAgain('removing the state'),
      },
    },
    poststopHooks: poststopHooks('deleted'),
  },
});

const began = (phase: PhaseName) => ({ type: 'began' as const, params: { phase } });

const left = (what: string) => [fail(`undoing the ${what}`), { type: 'noteLeftover' as const, params: { what } }];

export const unwinding = lifecycle.createStateConfig({
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
        id: 'destroyInit',
        src: 'destroyInit',
        input: record,
        onDone: 'cgroup',
        onError: { target: 'cgroup', actions: left('init') },
      },
    },
    cgroup: {
      invoke: {
        id: 'removeCgroup',
        src: 'removeCgroup',
        input: record,
        onDone: [{ guard: 'nothingLeft', target: 'directory' }, { target: '#unfinished' }],
        onError: { target: '#unfinished', actions: left('cgroup') },
      },
    },
    directory: {
      invoke: {
        id: 'removeState',
        src: 'removeState',
        input: record,
        onDone: [{ guard: hasHooks('poststop'), target: 'poststopHooks' }, { target: '#failed' }],
        onError: { target: '#unfinished', actions: left('state') },
      },
    },
    poststopHooks: poststopHooks('failed'),
  },
});
