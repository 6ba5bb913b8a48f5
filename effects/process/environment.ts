/** The environment of the container's process. */

import type { Variable } from '../../native/calls/process.ts';

/** Later entries win, as they do for runc; entries without `=` are passed on as they are. */
export function withoutDuplicates(env: readonly string[]): readonly string[] {
  const byName = new Map<string, string>();
  for (const entry of env) {
    const name = nameOf(entry);
    byName.delete(name);
    byName.set(name, entry);
  }
  return [...byName.values()];
}

/** A variable's value. A variable that is not UTF-8 has none that we could use. */
export function variable(env: readonly Variable[], name: string): string | undefined {
  const entry = env.findLast((candidate) => typeof candidate === 'string' && nameOf(candidate) === name);
  return typeof entry === 'string' ? entry.slice(name.length + 1) : undefined;
}

/** The environment with HOME set. @param home the user's home directory, by the container's /etc/passwd */
export function withHome(env: readonly string[], home: string | undefined): readonly string[] {
  const set = variable(env, 'HOME');
  return set === undefined || set === '' ? withoutDuplicates([...env, `HOME=${home ?? '/'}`]) : withoutDuplicates(env);
}

/** The home directory of a uid, from the text of a passwd(5) file. */
export function homeOf(passwd: string, uid: number): string | undefined {
  for (const line of passwd.split('\n')) {
    const [, , id, , , home] = line.split(':');
    if (id === String(uid)) return home === '' ? undefined : home;
  }
  return undefined;
}

function nameOf(entry: string): string {
  const equals = entry.indexOf('=');
  return equals < 0 ? entry : entry.slice(0, equals);
}
