/**
 * The life of a container, as the OCI runtime specification tells it (runtime.md, "Lifecycle"), with runc's `paused`.
 * What each effect does is in effects/; the phases of creation are in creating.ts, of removal in removing.ts.
 */

import { creating, onceCreating, restoring } from './creating.ts';
import { asked, fail, output, record } from './parts.ts';
import { deleting, unwinding } from './removing.ts';
import { type EffectActors, type Lifecycle, lifecycle } from './setup.ts';

/** What an actor begins with: a new container, a checkpointed one, or the record of one that is there. */
export type Origin = 'create' | 'restore' | 'record';

/**
 * The machine with a command's effects: `containerMachine(actorsOf(effects), origin)`.
 * With an origin, the states that cannot be reached from there stay empty: building one costs 25 µs of a cold start.
 */
export function containerMachine(actors: EffectActors, origin?: Origin) {
  const life = lifecycle(actors);
  return life.createMachine({
    id: 'container',
    context: ({ input }) => input,
    initial: 'absent',
    states: {
      absent: {
        tags: ['settled'],
        on: { create: 'creating', restore: 'restoring' },
      },

      creating: origin === 'record' ? onceCreating(life) : creating(life),
      restoring: origin === 'create' || origin === 'record' ? {} : restoring(life),
      unwinding: origin === 'record' ? {} : unwinding(life),

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
              started: '#running',
              frozen: '#paused',
              exited: '#stopped',
            },
          },
          killing: killing(life),
          pausing: pausing(life),
          updating: updating(life),
        },
      },

      starting: {
        id: 'starting',
        tags: ['created'],
        invoke: {
          src: 'startProcess',
          input: record,
          onDone: [
            { guard: { type: 'hasHooks', params: { kind: 'poststart' } }, target: 'running.poststartHooks' },
            { target: 'running' },
          ],
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
              src: 'runHooks',
              input: ({ context }) => ({ record: context, kind: 'poststart' }),
              onDone: 'idle',
              onError: { target: 'ending', actions: fail('poststart hooks') },
            },
          },
          ending: {
            invoke: {
              src: 'destroyInit',
              input: record,
              onDone: '#stopped',
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
              frozen: '#paused',
              exited: '#stopped',
            },
          },
          killing: killing(life),
          pausing: pausing(life),
          updating: updating(life),
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
              thawed: [{ guard: 'wasRunning', target: '#running' }, { target: '#created' }],
              exited: '#stopped',
            },
          },
          resuming: {
            invoke: {
              src: 'thaw',
              input: record,
              onDone: [{ guard: 'wasRunning', target: '#running' }, { target: '#created' }],
              onError: { target: '#observing', actions: fail('resume') },
            },
          },
          killing: killing(life),
          updating: updating(life),
        },
      },

      checkpointing: {
        id: 'checkpointing',
        tags: ['running'],
        invoke: {
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
          killing: killing(life),
        },
      },

      deleting: deleting(life),

      // After something went wrong halfway, the kernel is asked what became of the container.
      observing: {
        id: 'observing',
        invoke: {
          src: 'observe',
          input: record,
          onDone: [
            { guard: 'neverCreated', target: '#unfinished' },
            { guard: output('initGone'), target: 'stopped' },
            { guard: output('frozen'), target: 'paused' },
            { guard: output('started'), target: 'running' },
            { target: 'created' },
          ],
          onError: [
            { guard: 'neverCreated', target: '#unfinished', actions: fail('observing') },
            { guard: 'wasRunning', target: 'running', actions: fail('observing') },
            { target: 'created', actions: fail('observing') },
          ],
        },
      },

      deleted: { id: 'deleted', type: 'final' },
      failed: { id: 'failed', type: 'final' },
    },
  });
}

export type ContainerMachine = ReturnType<typeof containerMachine>;

function killing(life: Lifecycle) {
  return life.createStateConfig({
    invoke: {
      src: 'signal',
      input: asked('kill'),
      onDone: 'idle',
      onError: { target: 'idle', actions: fail('kill') },
    },
  });
}

function pausing(life: Lifecycle) {
  return life.createStateConfig({
    invoke: {
      src: 'freeze',
      input: record,
      onDone: '#paused',
      onError: { target: '#observing', actions: fail('pause') },
    },
  });
}

function updating(life: Lifecycle) {
  return life.createStateConfig({
    invoke: {
      src: 'update',
      input: asked('update'),
      onDone: { target: 'idle', actions: output('keepConfig') },
      onError: { target: 'idle', actions: fail('update') },
    },
  });
}
