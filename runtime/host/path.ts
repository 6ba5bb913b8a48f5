/** Paths that the command line names. */

import type { Host } from './host.ts';

/**
 * Makes a path absolute, from the current directory, and removes `.`, `..` and doubled slashes, as runc does.
 * @throws Error where it is relative and the current directory has been removed
 */
export function absolutePath({ cwd, env }: Pick<Host, 'cwd' | 'env'>, path: string): string {
  const relative = !path.startsWith('/');
  // The launcher sets this variable, and starts the engine in `/` then.
  if (relative && env.RUNCHART_CWD_DELETED !== undefined)
    throw new Error(`${path === '' ? '.' : path}: the current directory has been removed: give an absolute path`);
  const parts: string[] = [];
  for (const part of (relative ? `${cwd}/${path}` : path).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/**
 * The same for the value of a flag. An empty value counts as no flag, as for runc: Go's flags cannot tell them apart.
 */
export const givenPath = (host: Parameters<typeof absolutePath>[0], path: string | undefined): string | undefined =>
  path === undefined || path === '' ? undefined : absolutePath(host, path);
