/**
 * Loads koffi's addon. It lies as `koffi.node` beside the linked executable, which loads it directly: koffi's own
 * loader costs 6 ms more, and Bun's way of embedding an addon leaves a copy in the temporary folder at each start.
 * Elsewhere (in Node, in tests) the koffi package finds its addon itself.
 */

import { createRequire } from 'node:module';

/** build/link.ts defines it in the linked executable. It is absent elsewhere. */
declare const RUNCHART_LINKED: true | undefined;

export type NativeFunction = {
  // biome-ignore lint/suspicious/noExplicitAny: the shape of a C function is known to its declaration only
  (...args: any[]): any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  async(...args: any[]): void;
};

interface Library {
  func(name: string, result: string, args: readonly string[]): NativeFunction;
}

export interface Koffi {
  load(path: string | null): Library;
  errno(): number;
  address(buffer: Uint8Array): bigint;
}

export function loadKoffi(): Koffi {
  if (typeof RUNCHART_LINKED !== 'undefined') {
    const addon = { exports: {} };
    process.dlopen(addon, `${process.execPath.slice(0, process.execPath.lastIndexOf('/'))}/koffi.node`);
    return addon.exports as Koffi;
  }
  return createRequire(import.meta.url)('koffi') as Koffi;
}
