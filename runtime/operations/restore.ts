/** `restore`: brings a container back from its bundle and its images. From then on it is like one that was `run`. */

import type { RestoreOptions } from '../../effects/criu/options.ts';
import { prepareRestoration } from '../../effects/criu/restoration.ts';
import type { Context } from '../container/context.ts';
import { sessionFor } from '../container/open.ts';
import { type ForegroundOptions, runForeground } from '../foreground/foreground.ts';
import { type BackgroundOptions, createInBackground, type Planned } from './background.ts';
import { createContainer } from './create.ts';

/** Leaves it to itself. @returns as `createInBackground` @throws Error, of one line; no container is left then */
export async function restoreInBackground(
  context: Context,
  request: Planned,
  criu: RestoreOptions,
  options: Omit<BackgroundOptions, 'start'>,
): Promise<number> {
  const restored = await prepared(context, request, criu);
  return createInBackground(withoutSockets(context), restored, { ...options, start: false });
}

/**
 * Restores a container, and stands for its process until it ends.
 * @returns the exit status, as `runInForeground`
 * @throws Error of one line where it could not be restored. No container is left then
 */
export async function restoreInForeground(
  context: Context,
  request: Planned,
  criu: RestoreOptions,
  options: Omit<ForegroundOptions, 'terminal' | 'keep'>,
): Promise<number> {
  const restored = await prepared(context, request, criu);
  const terminal = request.config.process?.terminal ?? false;
  return runForeground(
    withoutSockets(context),
    request.id,
    { ...options, terminal, keep: false, running: true },
    ({ inheritance }) => createContainer(context, { ...restored, inheritance }),
  );
}

async function prepared(context: Context, request: Planned, options: RestoreOptions): Promise<Planned> {
  const restoration = await prepareRestoration(sessionFor(context, request.id), request.config, options);
  return { ...request, restoration, config: restoration.config };
}

/** The process's descriptors come from the images. So it gets none of those that systemd passes to the command. */
function withoutSockets(context: Context): Context {
  const { LISTEN_PID: _, ...env } = context.host.env;
  return { ...context, host: { ...context.host, env } };
}
