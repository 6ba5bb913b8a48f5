/** Makes a container for a program that uses the library. */

import { createContainer } from '../runtime/operations/create.ts';
import type { Config } from '../spec/types.ts';
import { type WaitOptions, within } from './abort.ts';
import { type ContainerSource, configOf, type Planned } from './config-of.ts';
import type { RunchartContainer } from './container.ts';
import type { LibraryContext } from './context.ts';
import { handOver } from './hand-over.ts';
import { containerId } from './id.ts';
import { type GivenOptions, openGiven } from './streams/given.ts';
import type { TerminalSize } from './streams/terminal.ts';

/** How a container is made, whatever it is made from. */
export interface MakingOptions {
  /** Moves the root by MS_MOVE, where pivot_root(2) does not work: on a ramfs. It is less safe. */
  readonly noPivot?: boolean | undefined;
  /** Lets the container share the session keyring of this program. */
  readonly noNewKeyring?: boolean | undefined;
  /** Path of a socket, or `@` and its name: told by sd_notify(3) when the container's process is ready. */
  readonly notifySocket?: string | undefined;
}

export type CreateOptions = ContainerSource & GivenOptions & MakingOptions & WaitOptions & { readonly id: string };

/** @throws RunchartError; the signal's reason. Nothing is left then */
export async function create(context: LibraryContext, options: CreateOptions): Promise<RunchartContainer> {
  const id = containerId(options.id);
  const making = async (signal: AbortSignal | undefined): Promise<RunchartContainer> => {
    const planned = await configOf(context, options);
    const terminal = options.terminal ?? planned.config.process?.terminal ?? false;
    const given = openGiven(context.streams, { ...options, terminal }, ['inherit', 'inherit', 'inherit']);
    const handed = { id, given, signal, notifySocket: options.notifySocket };
    return handOver(context, handed, (own) =>
      createContainer(own, {
        id,
        ...withTerminal(planned, terminal),
        ...makingOptions(options),
        inheritance: given.inheritance,
        startsHere: true,
      }),
    );
  };
  return within(options, (signal) => context.turns.work(() => making(signal), signal));
}

export const makingOptions = ({ noPivot = false, noNewKeyring = false, notifySocket }: MakingOptions) => ({
  noPivot,
  noNewKeyring,
  notifySocket,
});

/** What is made, with a terminal or without one, whatever the config says. */
export function withTerminal({ bundle, config }: Planned, terminal: boolean | TerminalSize): Planned {
  const { process, ...others } = config;
  const size = typeof terminal === 'object' ? { consoleSize: terminal } : {};
  if (process === undefined || (process.terminal ?? false) === terminal) return { bundle, config };
  const changed: Config = { ...others, process: { ...process, terminal: terminal !== false, ...size } };
  return { bundle, config: changed };
}
