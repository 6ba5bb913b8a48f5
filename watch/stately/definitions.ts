/** The machines' definitions as the Stately inspector gets them: as JSON text. */

import { containerMachine } from '../../machines/container.ts';
import { execMachine } from '../../machines/exec.ts';

/** Functions become their names, as `@statelyai/inspect` writes them. */
const named = (_: string, value: unknown): unknown => (typeof value === 'function' ? { type: value.name } : value);

const nothing = (): void => undefined;

/** @param src of an actor: `container`, `exec`, or an effect's name */
export function definitionOf(src: string, id: string): string {
  if (src === 'container') return JSON.stringify(containerMachine.config, named);
  if (src === 'exec')
    return JSON.stringify(execMachine({ join: () => 0, execute: nothing, end: nothing }).config, named);
  return JSON.stringify({ id });
}
