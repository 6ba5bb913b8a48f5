/** Brings a checkpointed container back. */

import { prepareRestoration } from '../effects/criu/restoration.ts';
import { sessionFor } from '../runtime/container/open.ts';
import { createContainer } from '../runtime/operations/create.ts';
import { type WaitOptions, within } from './abort.ts';
import { type CriuRestore, restoreOptions } from './checkpoint.ts';
import { type ContainerSource, configOf } from './config-of.ts';
import type { RunchartContainer } from './container.ts';
import type { LibraryContext } from './context.ts';
import { handOver } from './hand-over.ts';
import { containerId } from './id.ts';
import { type GivenOptions, openGiven } from './streams/given.ts';

/** It is made from what it was made from before. What were pipes or /dev/null becomes what is given here. */
export type RestoreOptions = ContainerSource & CriuRestore & GivenOptions & WaitOptions & { readonly id: string };

/** @throws RunchartError; the signal's reason. Nothing is left then */
export async function restore(context: LibraryContext, options: RestoreOptions): Promise<RunchartContainer> {
  const id = containerId(options.id);
  const making = async (signal: AbortSignal | undefined): Promise<RunchartContainer> => {
    const planned = await configOf(context, options);
    const session = sessionFor(context, id);
    const restoration = await prepareRestoration(session, planned.config, restoreOptions(options));
    const { config } = restoration;
    const terminal = config.process?.terminal ?? false;
    const given = openGiven(context.streams, { ...options, terminal }, ['inherit', 'inherit', 'inherit']);
    const request = { id, bundle: planned.bundle, config, restoration, inheritance: given.inheritance };
    return handOver(context, { id, given, signal }, (own) => createContainer(own, request));
  };
  return within(options, (signal) => context.turns.work(() => making(signal), signal));
}
