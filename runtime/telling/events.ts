/**
 * What is told of an event of XState. Events carry whole configs, with secrets in them, so each member that is told is
 * named here. Pure.
 */

import type { TypedEvent } from '../../spec/watch/lines.ts';

/** The members of requests and observations that say no more than what was asked or seen. */
const TOLD: Readonly<Record<string, readonly string[]>> = {
  kill: ['signal', 'all'],
  exec: ['ignorePaused'],
  delete: ['force'],
  observed: ['facts'],
  exited: ['status'],
};

/** The effects whose result is small and holds nothing of the config. */
const TOLD_RESULTS = ['makeCgroup', 'enterNamespaces', 'restore', 'observe', 'join'];

const DONE = 'xstate.done.actor.';

/** Members beyond these do not come out, whatever the event is. */
export function toldEvent(event: TypedEvent): TypedEvent {
  const { type } = event;
  const members = (TOLD[type] ?? []).map((name) => [name, event[name]]);
  if (type.startsWith(DONE) && TOLD_RESULTS.includes(effectOf(type))) members.push(['output', event.output]);
  if (event.error !== undefined) members.push(['error', messageOf(event.error)]);
  return { type, ...Object.fromEntries(members) };
}

/** `xstate.done.actor.makeCgroup` and `xstate.done.actor.0.exec.joining` name the effect, or the place of its state. */
const effectOf = (type: string): string => type.slice(DONE.length);

export const isToldResult = (effect: string): boolean => TOLD_RESULTS.includes(effect);

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The name of the errno that an error came from. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'SyscallError' && 'code' in error) return String(error.code);
  return codeOf(error.cause);
}
