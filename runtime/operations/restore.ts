/** `restore`: a checkpointed container once more, from its bundle and its images; then it is as one that was `run`. */

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

/** @returns as `runInForeground` @throws Error of one line, where it did not come to run; no container is left then */
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

/** Its descriptors come from the images: none that systemd passes on. */
function withoutSockets(context: Context): Context {
  const { LISTEN_PID: _, ...env } = context.host.env;
  return { ...context, host: { ...context.host, env } };
}
