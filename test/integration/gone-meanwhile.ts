/** Looks at what may go while it is looked at, processes above all: what is not there says nothing. */

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

export const namesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);

/** The names of the directories in one. */
export function subdirectories(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
