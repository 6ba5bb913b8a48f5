/** Small programs of the shell's, which stand before an engine's client or a runtime. */

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

/** As a word of the shell's. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The first of these programs that is missing, as a reason to skip; false where all are there. */
export function missing(...names: readonly string[]): string | false {
  const name = names.find((one) => located(one) === undefined);
  return name === undefined ? false : `${name} is not installed`;
}

/** Debian's own program first: an administrator's may be of another version. */
export const located = (name: string): string | undefined =>
  ['/usr/bin', '/usr/sbin'].map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? findProgram(name);
