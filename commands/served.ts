/** Which command lines a resident engine takes. All others go the usual way. Pure. */

import type { Host } from '../runtime/host/host.ts';
import { absolutePath } from '../runtime/host/path.ts';
import { GLOBALS_WITH_VALUE } from './global-values.ts';
import { looseValue, splitLine } from './line.ts';

export const SERVED: ReadonlySet<string> = new Set([
  ...['state', 'create', 'start', 'delete', 'kill', 'exec', 'run', 'pause', 'resume', 'list', 'ps', 'update'],
  'finish',
]);

/** Those that tell systemd when the container is ready. systemd knows by the pid who tells it. */
const NOTIFYING: ReadonlySet<string> = new Set(['create', 'start', 'run']);

/** Those that may wait for a process in the foreground. The caller does so alone, and tells nobody how it goes. */
const WAITING: ReadonlySet<string> = new Set(['exec', 'run']);

/**
 * @param isWatched whether somebody watches the containers of a state root
 * @returns whether a resident engine takes the command
 */
export function isServed(
  argv: readonly string[],
  { cwd, env }: Pick<Host, 'cwd' | 'env'>,
  isWatched: (root: string) => boolean,
): boolean {
  const { command, before, after } = splitLine(argv, GLOBALS_WITH_VALUE);
  if (command === undefined || !SERVED.has(command)) return false;
  if (env.NOTIFY_SOCKET && NOTIFYING.has(command)) return false;
  // The words may be those of another program. Then it goes the usual way in vain.
  const words = [...before, ...after];
  const has = (name: string): boolean => looseValue(words, name) !== undefined || words.includes(`--${name}`);
  // A trace shows what this process does, and its stage.
  if (has('trace')) return false;
  if (!WAITING.has(command)) return true;
  const given = looseValue(words, 'root');
  return !has('debug') && !isWatched(given === undefined ? '/run/runchart' : absolutePath({ cwd, env }, given));
}
