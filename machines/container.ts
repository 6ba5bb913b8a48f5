/**
 * The life of a container, as the OCI runtime specification tells it (runtime.md, "Lifecycle"), with runc's `paused`.
 * creating.ts has the phases of creation, removing.ts those of removal. The effects that states invoke are in effects/.
 *
 * There is one machine for all containers of a process, and for the tools that draw it, explore it, or ask what a state
 * permits. An actor performs the effects that come with its input.
 *
 * How to read it: a settled state (`idle`) has a transition for each request that it permits, and no other requests
 * have one. A state that invokes performs one effect, and leaves when that has ended. `exec` and `events` lead back to
 * where they came from: they only ask whether they are permitted.
 */

import { creating, restoring } from './creating.ts';
import { asked, askedToKill, fail, found, hasHooks, hooksOf, observed, record, save, settle, warn } from './parts.ts';
import { deleting, unwinding } from './removing.ts';
import { lifecycle } from './setup.ts';
import type { PersistedState } from './status.ts';

const killing = lifecycle.createStateConfig({
  invoke: {
    id: 'signal',
    src: 'signal',
    input: askedToKill,
    onDone: 'idle',
    onError: { target: 'idle', actions: fail('kill') },
  },
});

const pausing = lifecycle.createStateConfig({
  invoke: {
    id: 'freeze',
    src: 'freeze',
    input: record,
    onDone: settle('paused'),
    onError: { target: '#observing', actions: fail('pause') },
  },
});

/** @param state the state in which the container is updated */
const updatingIn = (state: PersistedState) =>
  lifecycle.createStateConfig({
    invoke: {
      id: 'update',
      src: 'update',
      input: asked('update'),
      onDone: { target: 'idle', actions: ['keepConfig', save(state)] },
      onError: { target: 'idle', actions: fail('update') },
    },
  });

export const containerMachine = lifecycle.createMachine({
  id: 'container',
  context: ({ input: { record, effects } }) => ({ ...record, effects }),
  initial: 'absent',
  // A record that cannot be written undoes nothing. The next command asks the kernel what became of the container.
  on: { unsaved: { actions: warn('saving the state') } },
  states: {
    absent: {
      tags: ['settled'],
      on: { create: 'creating', restore: 'restoring' },
    },

    creating,
    restoring,
    unwinding,

    created: {
      id: 'created',
      tags: ['created'],
      entry: { type: 'reach', params: { point: 'created' } },
      initial: 'idle',
      states: {
        idle: {
          tags: ['settled'],
          on: {
            start: '#starting',
            kill: 'killing',
            pause: 'pausing',
            update: 'updating',
            exec: 'idle',
            events: 'idle',
            delete: '#deleting',
            observed: [observed('stopped'), observed('paused'), observed('running')],
          },
        },
        killing,
        pausing,
        updating: updatingIn('created'),
      },
    },

    starting: {
      id: 'starting',
      tags: ['created'],
      invoke: {
        id: 'startProcess',
        src: 'startProcess',
        input: record,
        onDone: [{ guard: hasHooks('poststart'), target: 'running.poststartHooks' }, settle('running')],
        onError: { target: 'observing', actions: fail('start') },
      },
    },

    running: {
      id: 'running',
      tags: ['running'],
      entry: { type: 'reach', params: { point: 'running' } },
      initial: 'idle',
      states: {
        poststartHooks: {
          invoke: {
            id: 'runHooks',
            src: 'runHooks',
            input: hooksOf('poststart'),
            onDone: { target: 'idle', actions: save('running') },
            onError: { target: 'ending', actions: fail('poststart hooks') },
          },
        },
        ending: {
          invoke: {
            id: 'destroyInit',
            src: 'destroyInit',
            input: record,
            onDone: settle('stopped'),
            onError: { target: '#observing', actions: fail('killing the init') },
          },
        },
        idle: {
          tags: ['settled'],
          on: {
            kill: 'killing',
            pause: 'pausing',
            update: 'updating',
            exec: 'idle',
            events: 'idle',
            checkpoint: '#checkpointing',
            delete: { guard: 'forced', target: '#deleting' },
            observed: [observed('stopped'), observed('paused')],
          },
        },
        killing,
        pausing,
        updating: updatingIn('running'),
      },
    },

    paused: {
      id: 'paused',
      tags: ['paused'],
      initial: 'idle',
      states: {
        idle: {
          tags: ['settled'],
          on: {
            resume: 'resuming',
            kill: 'killing',
            update: 'updating',
            exec: { guard: 'ignoringPause', target: 'idle' },
            events: 'idle',
            checkpoint: { guard: 'wasRunning', target: '#checkpointing' },
            delete: { guard: 'forced', target: '#deleting' },
            observed: [observed('stopped'), observed('paused'), observed('running'), observed('created')],
          },
        },
        resuming: {
          invoke: {
            id: 'thaw',
            src: 'thaw',
            input: record,
            onDone: [{ guard: 'wasRunning', ...settle('running') }, settle('created')],
            onError: { target: '#observing', actions: fail('resume') },
          },
        },
        killing,
        updating: updatingIn('paused'),
      },
    },

    checkpointing: {
      id: 'checkpointing',
      tags: ['running'],
      invoke: {
        id: 'checkpoint',
        src: 'checkpoint',
        input: asked('checkpoint'),
        onDone: 'observing',
        onError: { target: 'observing', actions: fail('checkpoint') },
      },
    },

    stopped: {
      id: 'stopped',
      tags: ['stopped'],
      initial: 'idle',
      states: {
        idle: {
          tags: ['settled'],
          on: {
            kill: { guard: 'toAll', target: 'killing' },
            delete: '#deleting',
          },
        },
        killing,
      },
    },

    deleting,

    // Something went wrong halfway: the kernel is asked what became of the container.
    observing: {
      id: 'observing',
      invoke: {
        id: 'observe',
        src: 'observe',
        input: record,
        onDone: [observed('unfinished'), found('stopped'), found('paused'), found('running'), found('created')],
        onError: [
          { guard: 'neverCreated', target: '#unfinished', actions: fail('observing') },
          { guard: 'wasRunning', target: '#running', actions: [fail('observing'), save('running')] },
          { target: '#created', actions: [fail('observing'), save('created')] },
        ],
      },
    },

    deleted: { id: 'deleted', type: 'final' },
    failed: { id: 'failed', type: 'final' },
  },
});

export type ContainerMachine = typeof containerMachine;
