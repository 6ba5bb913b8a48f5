/** Signals as the command line names them. */

import { SIGNALS } from '../../native/constants/signal.ts';

/**
 * Reads a name with or without `SIG`, in upper or lower case, or a number: `KILL`, `sigterm`, `9`. The kernel checks
 * the number.
 * @throws Error with runc's text
 */
export function parseSignal(text: string): number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const found = Object.entries(SIGNALS).find(([known]) => known === name);
  if (found === undefined) throw new Error(`unknown signal ${JSON.stringify(text)}`);
  return found[1];
}

/** The names, without `SIG`. */
export const signalNames = (): readonly string[] => Object.keys(SIGNALS).map((name) => name.slice('SIG'.length));
