/** Small shell scripts that stand before the client of an engine, or before a runtime. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../build/compiler.ts';

/** @returns its path */
export function program(folder: string, name: string, body: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

/** Quotes text as one word for the shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A reason to skip, with the first of these programs that is missing; false if none is. */
export function missing(...names: readonly string[]): string | false {
  const name = names.find((one) => located(one) === undefined);
  return name === undefined ? false : `${name} is not installed`;
}

/** Debian's own program comes first, since an administrator may have installed another version. */
export const located = (name: string): string | undefined =>
  ['/usr/bin', '/usr/sbin'].map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? findProgram(name);
