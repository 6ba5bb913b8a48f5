/** Sends a request to a container's actor and waits for the answer. */

import type { ActorRefFrom } from 'xstate';
import type { Status } from '../spec/types.ts';
import type { ContainerMachine } from './container.ts';
import type { Emitted, Request } from './events.ts';
import { refusal } from './refusals.ts';
import { situationOf, statusOf } from './status.ts';

export type ContainerActor = ActorRefFrom<ContainerMachine>;

type Failure = Extract<Emitted, { type: 'failed' }>;
type Warning = Extract<Emitted, { type: 'warned' }>;

/** What became of a request. */
export type Answer =
  | { readonly outcome: 'done'; readonly warnings: readonly Warning[] }
  /** It is illegal in the container's state. Nothing has been done. */
  | {
      readonly outcome: 'refused';
      readonly message: string;
      readonly request: Request['type'];
      readonly status: Status | undefined;
    }
  /** The first failure is the cause. The others came while it was undone. */
  | {
      readonly outcome: 'failed';
      readonly failures: readonly [Failure, ...Failure[]];
      readonly warnings: readonly Warning[];
    };

/**
 * Sends a request, if the machine's state permits it, and waits until the machine is settled again.
 * @throws an error of the machine itself, never one of an effect
 */
export async function ask(actor: ContainerActor, request: Request): Promise<Answer> {
  const before = actor.getSnapshot();
  if (before.status !== 'error' && !before.can(request)) return refused(before, request.type);
  const emitted: Emitted[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const listening = actor.on('*', (event) => emitted.push(event));
  const watching = actor.subscribe({ next: settle, error: reject, complete: settle });

  function settle(): void {
    const snapshot = actor.getSnapshot();
    if (snapshot.status === 'active' && !snapshot.hasTag('settled')) return;
    if (snapshot.status !== 'error') resolve();
  }

  actor.send(request);
  settle();
  try {
    await promise;
    // By now the machine has also told if the record of this state could not be written.
    return answerOf(emitted);
  } finally {
    watching.unsubscribe();
    listening.unsubscribe();
  }
}

const refused = (before: ReturnType<ContainerActor['getSnapshot']>, request: Request['type']): Answer => ({
  outcome: 'refused',
  message: refusal(request, before.context.id, situationOf(before)),
  request,
  status: statusOf(before),
});

function answerOf(emitted: readonly Emitted[]): Answer {
  const warnings = emitted.filter((event) => event.type === 'warned');
  const [first, ...others] = emitted.filter((event) => event.type === 'failed');
  return first === undefined
    ? { outcome: 'done', warnings }
    : { outcome: 'failed', failures: [first, ...others], warnings };
}
