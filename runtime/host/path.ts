/** Paths of the command line. */

import type { Host } from './host.ts';

/**
 * The path made absolute by the current directory, without `.`, `..` and doubled slashes, as runc cleans it.
 * @throws Error where it is relative and the current directory has been removed
 */
export function absolutePath({ cwd, env }: Pick<Host, 'cwd' | 'env'>, path: string): string {
  const relative = !path.startsWith('/');
  // The launcher's word: it started the engine in `/` then.
  if (relative && env.RUNCHART_CWD_DELETED !== undefined)
    throw new Error(`${path === '' ? '.' : path}: the current directory has been removed: give an absolute path`);
  const parts: string[] = [];
  for (const part of (relative ? `${cwd}/${path}` : path).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The same of a flag's value. An empty one is none: Go's flags can't tell them apart. */
export const givenPath = (host: Parameters<typeof absolutePath>[0], path: string | undefined): string | undefined =>
  path === undefined || path === '' ? undefined : absolutePath(host, path);
