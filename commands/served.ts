/** Which command lines a resident engine takes. All others go the usual way. Pure. */

import type { Host } from '../runtime/host/host.ts';
import { GLOBALS_WITH_VALUE } from './global-values.ts';
import { splitLine } from './line.ts';

export const SERVED: ReadonlySet<string> = new Set([
  ...['state', 'create', 'start', 'delete', 'kill', 'exec', 'run', 'pause', 'resume', 'list', 'ps', 'update'],
  'finish',
]);

/** Those that tell systemd when the container is ready. systemd knows by the pid who tells it. */
const NOTIFYING: ReadonlySet<string> = new Set(['create', 'start', 'run']);

export function isServed(argv: readonly string[], env: Host['env']): boolean {
  const { command, before, after } = splitLine(argv, GLOBALS_WITH_VALUE);
  if (command === undefined || !SERVED.has(command)) return false;
  if (env.NOTIFY_SOCKET && NOTIFYING.has(command)) return false;
  // A trace shows what this process does, and its stage.
  return ![...before, ...after].some((word) => /^--?(trace|help|h)(=|$)/.test(word));
}
