/** `run` as one operation: create, start, stand for the container's process, delete. */

import type { Context } from '../container/context.ts';
import { type ForegroundOptions, runForeground } from '../foreground/foreground.ts';
import { withEnvironment } from '../foreground/inheritance.ts';
import type { Planned } from './background.ts';
import { createContainer } from './create.ts';

/**
 * @returns the exit status of the container's process, 128 + n where signal n ended it
 * @throws Error, of one line, where it did not come to run; no container is left then
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
