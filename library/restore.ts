/** Brings a checkpointed container back. */

import { prepareRestoration } from '../effects/criu/restoration.ts';
import { sessionFor } from '../runtime/container/open.ts';
import { announce } from '../runtime/foreground/announce.ts';
import { createContainer } from '../runtime/operations/create.ts';
import { abortable, type WaitOptions, within } from './abort.ts';
import { type CriuRestore, restoreOptions } from './checkpoint.ts';
import { type ContainerSource, configOf } from './config-of.ts';
import { RunchartContainer } from './container.ts';
import type { LibraryContext } from './context.ts';
import { containerId } from './id.ts';
import { type GivenOptions, openGiven } from './streams/given.ts';

/** It is made from what it was made from before. What were pipes or /dev/null becomes what is given here. */
export type RestoreOptions = ContainerSource & CriuRestore & GivenOptions & WaitOptions & { readonly id: string };

/** @throws RunchartError; the signal's reason. Nothing is left then */
export async function restore(context: LibraryContext, options: RestoreOptions): Promise<RunchartContainer> {
  const id = containerId(options.id);
  return within(options, async (signal) => {
    await context.turns.take();
    const planned = await configOf(context, options);
    const session = sessionFor(context, id);
    const restoration = await prepareRestoration(session, planned.config, restoreOptions(options));
    const { config } = restoration;
    const terminal = config.process?.terminal ?? false;
    const given = openGiven(context.streams, { ...options, terminal }, ['inherit', 'inherit', 'inherit']);
    const own = abortable(context, signal);
    const container = new RunchartContainer(context, id);
    try {
      const request = { id, bundle: planned.bundle, config, restoration, inheritance: given.inheritance };
      const restored = await createContainer(own.context, request);
      own.settle();
      container.adopt(restored, given);
      const pid = restored.record.init?.pid ?? 0;
      announce(context.platform.local, pid, { pidFile: given.pidFile, pidfdSocket: given.inheritance.pidfdSocket });
      given.handedOver();
      signal?.throwIfAborted();
      return container;
    } catch (error) {
      given.abandon();
      if (container.isOurs) await container.delete({ force: true });
      throw error;
    }
  });
}
