/**
 * The commands by name. Each module is loaded only when its command is asked for, since loading takes most of the time
 * of a short command.
 */

import type { CommandClass } from './base.ts';

interface CommandModule {
  readonly default: CommandClass;
}

export const COMMANDS: ReadonlyMap<string, () => Promise<CommandModule>> = new Map<
  string,
  () => Promise<CommandModule>
>([
  ['checkpoint', () => import('./checkpoint.ts')],
  ['conform', () => import('./conform.ts')],
  ['create', () => import('./create.ts')],
  ['delete', () => import('./delete.ts')],
  ['events', () => import('./events.ts')],
  ['exec', () => import('./exec.ts')],
  ['explain', () => import('./explain.ts')],
  ['features', () => import('./features.ts')],
  ['kill', () => import('./kill.ts')],
  ['list', () => import('./list.ts')],
  ['pause', () => import('./pause.ts')],
  ['ps', () => import('./ps.ts')],
  ['restore', () => import('./restore.ts')],
  ['resume', () => import('./resume.ts')],
  ['run', () => import('./run.ts')],
  ['serve', () => import('./serve.ts')],
  ['spec', () => import('./spec.ts')],
  ['start', () => import('./start.ts')],
  ['state', () => import('./state.ts')],
  ['update', () => import('./update.ts')],
  ['watch', () => import('./watch.ts')],
  ['completion', () => import('./completion.ts')],
]);

/** A command that another one goes on as. Nobody types it. */
const HIDDEN: ReadonlyMap<string, () => Promise<CommandModule>> = new Map([['finish', () => import('./finish.ts')]]);

export const commandNamed = (name: string) => COMMANDS.get(name) ?? HIDDEN.get(name);
