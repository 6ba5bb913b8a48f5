/** The completion scripts of all shells. */

import { signalNames } from '../../runtime/operations/signal.ts';
import { globals } from '../globals.ts';
import { COMMANDS } from '../table.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { type Completed, completed } from './model.ts';
import { zshCompletion } from './zsh.ts';

const SHELLS: ReadonlyMap<string, (completed: Completed) => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

export const shells: readonly string[] = [...SHELLS.keys()];

/** @returns the scripts by the names of their shells */
export async function completionScripts(): Promise<ReadonlyMap<string, string>> {
  const classes = await Promise.all([...COMMANDS.values()].map(async (load) => (await load()).default));
  const all = completed(classes, globals, signalNames());
  return new Map(Array.from(SHELLS, ([shell, script]) => [shell, script(all)]));
}
