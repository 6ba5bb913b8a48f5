/** Hands a container that is being made over to the program that asked for it. */

import type { Container } from '../runtime/container/container.ts';
import type { Context } from '../runtime/container/context.ts';
import { announce } from '../runtime/foreground/announce.ts';
import { abortable } from './abort.ts';
import { RunchartContainer } from './container.ts';
import type { LibraryContext } from './context.ts';
import type { ContainerId } from './id.ts';
import type { Given } from './streams/given.ts';

interface Making {
  readonly id: ContainerId;
  /** What the container gets of the program. It is abandoned where there is no container in the end. */
  readonly given: Given;
  readonly signal: AbortSignal | undefined;
  readonly notifySocket?: string | undefined;
}

/**
 * @param make makes it, with a context that the signal aborts
 * @throws what `make` throws; the signal's reason. Nothing is left then
 */
export async function handOver(
  context: LibraryContext,
  { id, given, signal, notifySocket }: Making,
  make: (context: Context) => Promise<Container>,
): Promise<RunchartContainer> {
  const own = abortable(context, signal);
  const container = new RunchartContainer(context, id);
  try {
    const made = await make(own.context);
    own.settle();
    container.adopt(made, given, notifySocket);
    const pid = made.record.init?.pid ?? 0;
    announce(context.platform.local, pid, { pidFile: given.pidFile, pidfdSocket: given.inheritance.pidfdSocket });
    given.handedOver();
    signal?.throwIfAborted();
    return container;
  } catch (error) {
    given.abandon();
    if (container.isOurs) await container.delete({ force: true });
    throw error;
  }
}
