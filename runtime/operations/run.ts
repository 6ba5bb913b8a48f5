/** `run`: creates a container, starts it, stands for its process until it ends, and deletes the container. */

import type { Context } from '../container/context.ts';
import { type ForegroundOptions, runForeground } from '../foreground/foreground.ts';
import { withEnvironment } from '../foreground/inheritance.ts';
import type { Planned } from './background.ts';
import { createContainer } from './create.ts';

/**
 * @returns the exit status of the container's process, 128 + n where signal n ended it
 * @throws Error of one line where it could not be started. No container is left then
 */
export function runInForeground(
  context: Context,
  request: Planned,
  options: Omit<ForegroundOptions, 'terminal' | 'notifySocket'>,
): Promise<number> {
  const { config } = request;
  const terminal = config.process?.terminal ?? false;
  const foreground = { ...options, terminal, notifySocket: request.notifySocket };
  return runForeground(context, request.id, foreground, (inherited) =>
    createContainer(context, {
      ...request,
      config: withEnvironment(config, inherited),
      inheritance: inherited.inheritance,
      startsAtOnce: true,
    }),
  );
}
