/** Looks at what may go away at any moment, such as processes. What is gone counts as empty. */

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

/** The names of the directories in a directory. */
export function subdirectories(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
