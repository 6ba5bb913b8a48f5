/**
 * The life of a process of `exec`. It is an actor of its own beside the container's, which it asks for permission and
 * does not change. None of it is written down: it lives as long as the command that started it.
 */

import { type ActorRefFrom, assign, fromPromise, setup } from 'xstate';

export interface ExecEffects {
  /** Brings a process into the container, ready to execute its program. @returns its pid */
  join(): number | Promise<number>;
  /** Has it execute the program. */
  execute(): void | Promise<void>;
  /** Ends a process that could not execute it. */
  end(): void | Promise<void>;
}

export interface ExecContext {
  /** In the runtime's pid namespace. */
  readonly pid?: number;
  /** The exit status, 0 to 255; 128 + n where signal n ended the process. */
  readonly status?: number;
  /** Why it does not run. */
  readonly error?: unknown;
}

/** Sent by the command that waits for the process. */
export interface ExecEvent {
  readonly type: 'exited';
  readonly status: number;
}

export function execMachine(effects: ExecEffects) {
  return setup({
    types: { context: {} as ExecContext, events: {} as ExecEvent, tags: {} as 'settled' },
    actors: {
      join: fromPromise<number>(async () => effects.join()),
      execute: fromPromise<void>(async () => effects.execute()),
      end: fromPromise<void>(async () => effects.end()),
    },
    actions: {
      keepPid: assign({ pid: (_, { pid }: { pid: number }) => pid }),
      keepStatus: assign({ status: (_, { status }: { status: number }) => status }),
      keepError: assign({ error: ({ context }, { error }: { error: unknown }) => context.error ?? error }),
    },
  }).createMachine({
    id: 'exec',
    context: {},
    initial: 'joining',
    states: {
      joining: {
        invoke: {
          src: 'join',
          onDone: { target: 'executing', actions: { type: 'keepPid', params: ({ event }) => ({ pid: event.output }) } },
          onError: {
            target: 'failed',
            actions: { type: 'keepError', params: ({ event }) => ({ error: event.error }) },
          },
        },
      },
      executing: {
        invoke: {
          src: 'execute',
          onDone: 'running',
          onError: {
            target: 'ending',
            actions: { type: 'keepError', params: ({ event }) => ({ error: event.error }) },
          },
        },
      },
      // With --detach, no command waits for its end.
      running: {
        tags: ['settled'],
        on: { exited: { target: 'exited', actions: { type: 'keepStatus', params: ({ event }) => event } } },
      },
      ending: { invoke: { src: 'end', onDone: 'failed', onError: 'failed' } },
      exited: { tags: ['settled'], type: 'final' },
      failed: { tags: ['settled'], type: 'final' },
    },
  });
}

export type ExecActor = ActorRefFrom<ReturnType<typeof execMachine>>;

/** Waits until the process runs, or has failed to. */
export function settled(actor: ExecActor): Promise<ExecContext> {
  const { promise, resolve, reject } = Promise.withResolvers<ExecContext>();
  const settle = () => {
    const snapshot = actor.getSnapshot();
    if (snapshot.hasTag('settled')) resolve(snapshot.context);
  };
  const watching = actor.subscribe({ next: settle, error: reject, complete: settle });
  settle();
  return promise.finally(() => watching.unsubscribe());
}
