/** Sends a request to a container's actor and waits for the answer. */

import type { ActorRefFrom } from 'xstate';
import type { ContainerMachine } from './container.ts';
import type { Emitted, Request } from './events.ts';

export type ContainerActor = ActorRefFrom<ContainerMachine>;

type Failure = Extract<Emitted, { type: 'failed' }>;
type Warning = Extract<Emitted, { type: 'warned' }>;

/** What became of a request. */
export type Answer =
  | { readonly outcome: 'done'; readonly warnings: readonly Warning[] }
  /** Illegal in the container's state; nothing has been done. */
  | { readonly outcome: 'refused'; readonly message: string }
  /** The first failure is the cause; others came with cleaning up after it. */
  | {
      readonly outcome: 'failed';
      readonly failures: readonly [Failure, ...Failure[]];
      readonly warnings: readonly Warning[];
    };

/**
 * Sends a request and waits until the machine has settled again.
 * @throws what made the machine itself fail: never an effect's error
 */
export function ask(actor: ContainerActor, request: Request): Promise<Answer> {
  const emitted: Emitted[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const listening = actor.on('*', (event) => emitted.push(event));
  const watching = actor.subscribe({ next: settle, error: reject, complete: settle });

  function settle(): void {
    const snapshot = actor.getSnapshot();
    if (snapshot.status === 'active' && !snapshot.hasTag('settled')) return;
    if (snapshot.status !== 'error') resolve(answerOf(emitted));
  }

  actor.send(request);
  settle();
  return promise.finally(() => {
    watching.unsubscribe();
    listening.unsubscribe();
  });
}

function answerOf(emitted: readonly Emitted[]): Answer {
  const refused = emitted.find((event) => event.type === 'refused');
  if (refused !== undefined) return { outcome: 'refused', message: refused.message };
  const warnings = emitted.filter((event) => event.type === 'warned');
  const [first, ...others] = emitted.filter((event) => event.type === 'failed');
  return first === undefined
    ? { outcome: 'done', warnings }
    : { outcome: 'failed', failures: [first, ...others], warnings };
}
