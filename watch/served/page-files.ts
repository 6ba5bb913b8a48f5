/** The files of the page, which the build has put beside the engine. They are read once, and sent from memory. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/** build/link.ts defines it in the linked executable. It is absent elsewhere. */
declare const RUNCHART_LINKED: true | undefined;

export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/** The page's folder: beside the engine; for sources that are not linked, where the build puts it. */
export const pageFolder = (): string =>
  typeof RUNCHART_LINKED === 'undefined'
    ? join(import.meta.dirname, '../../dist/page')
    : join(dirname(process.execPath), 'page');

/** @returns the files by name; none where there is no such folder */
export function readPage(folder: string): ReadonlyMap<string, PageFile> {
  if (!existsSync(folder)) return new Map();
  return new Map(
    readdirSync(folder).flatMap((name) => {
      const type = TYPES[extname(name)];
      return type === undefined ? [] : [[name, { type, bytes: readFileSync(join(folder, name)) }] as const];
    }),
  );
}
