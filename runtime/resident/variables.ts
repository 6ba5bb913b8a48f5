/** The variables that our code reads by name, from a whole environment: native/launcher/environment.h has the same. */

import type { Host } from '../host/host.ts';

export const READ_BY_US = [
  'XDG_RUNTIME_DIR',
  'USER',
  'NOTIFY_SOCKET',
  'LISTEN_PID',
  'LISTEN_FDS',
  'TRACEPARENT',
] as const;

/** @param environment each variable with its NUL. Of two with the same name the first counts */
export function variablesIn(environment: Uint8Array): Host['env'] {
  const text = `\0${Buffer.from(environment.buffer, environment.byteOffset, environment.length).toString('latin1')}`;
  const found: Record<string, string> = {};
  for (const name of READ_BY_US) {
    const at = text.indexOf(`\0${name}=`);
    if (at < 0) continue;
    const start = at + name.length + 2;
    found[name] = Buffer.from(text.slice(start, text.indexOf('\0', start)), 'latin1').toString('utf8');
  }
  return found;
}
