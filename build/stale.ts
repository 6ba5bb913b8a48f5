/** Tells whether `dist/`, or the init that unit tests start, is older than its sources. */
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES =
  '{commands,conform,watch,page,library,runtime,machines,effects,native,spec,build}/**/*.{ts,c,h,css,html}';

export function isStale(root: string, dist: string): boolean {
  const products = [join(dist, 'runchart'), join(root, 'native/init', `init-${process.arch}`)];
  const built = Math.min(...products.map(modified));
  const sources = [...globSync(SOURCES, { cwd: root }), 'package-lock.json'];
  return sources.some((file) => modified(join(root, file)) > built);
}

/** @returns milliseconds since the epoch; 0 if the file does not exist */
function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
