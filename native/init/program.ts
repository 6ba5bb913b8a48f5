/** The init's program, as bytes: linked into the executable, or the file that build/init.ts put beside this one. */

import { readFileSync } from 'node:fs';

/** Defined by build/link.ts in the linked executable: the ELF file in base64. */
declare const RUNCHART_INIT: string | undefined;

export function initProgram(): Uint8Array {
  if (typeof RUNCHART_INIT !== 'undefined') return Buffer.from(RUNCHART_INIT, 'base64');
  return readFileSync(new URL(`init-${process.arch}`, import.meta.url));
}
