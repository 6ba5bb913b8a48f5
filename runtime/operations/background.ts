/** `create`, and `run --detach`: the container is on its own once the command has ended. */

import { reasonOf } from '../../effects/error.ts';
import { succeed } from '../container/answers.ts';
import type { Container } from '../container/container.ts';
import type { Context } from '../container/context.ts';
import { announce } from '../foreground/announce.ts';
import { type InheritanceOptions, inherit, withEnvironment } from '../foreground/inheritance.ts';
import { unlessEndedAlone } from '../foreground/interruptible.ts';
import { type CreateRequest, createContainer } from './create.ts';
import { startContainer } from './start.ts';

export interface BackgroundOptions extends Omit<InheritanceOptions, 'detach' | 'terminal'> {
  /** `--pid-file`, absolute. */
  readonly pidFile?: string | undefined;
  /** Whether the container is started too. */
  readonly start: boolean;
}

/** A request to create a container whose config has been read. */
export type Planned = Omit<CreateRequest, 'inheritance'> & Required<Pick<CreateRequest, 'config'>>;

/**
 * @returns the command's exit status: 0, or 128 + n where signal n came while the creation hung
 * @throws Error, of one line; no container is left then, nor after a signal
 */
export async function createInBackground(
  context: Context,
  request: Planned,
  { start, pidFile, ...options }: BackgroundOptions,
): Promise<number> {
  const { config } = request;
  const inherited = inherit(context, { ...options, terminal: config.process?.terminal ?? false, detach: true });
  const { inheritance } = inherited;
  try {
    const ended = await unlessEndedAlone(context, request.id, async () => {
      const container = await createContainer(context, {
        ...request,
        config: withEnvironment(config, inherited),
        inheritance,
        startsAtOnce: start,
      });
      try {
        // Whoever asked for it and is gone by now would not hear of it.
        context.platform.caller?.check();
        const pid = container.record.init?.pid ?? 0;
        announce(context.platform.local, pid, { pidFile, pidfdSocket: inheritance.pidfdSocket });
        if (start) await startContainer(context, container, { address: request.notifySocket, required: false });
      } catch (error) {
        await remove(context, container);
        throw error;
      } finally {
        container.close();
      }
    });
    return ended?.status ?? 0;
  } finally {
    inherited.close();
  }
}

async function remove(context: Context, container: Container): Promise<void> {
  try {
    succeed(context, await container.request({ type: 'delete', force: true }));
  } catch (error) {
    context.warn(`clean up after container ${container.record.id}: ${reasonOf(error)}`);
  }
}
