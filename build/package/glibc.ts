/** Finds the oldest C library that the programs run with. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** @param folder holds the engine and koffi's addon. @returns a version: `2.35` */
export function oldestGlibc(folder: string): string {
  const needs = ['runchart-engine', 'koffi.node'].flatMap((file) => {
    const text = execFileSync('readelf', ['--wide', '--version-info', join(folder, file)], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    return Array.from(text.matchAll(/Name: GLIBC_(\d+)\.(\d+)/g), ([, major, minor]) => [Number(major), Number(minor)]);
  });
  const [newest] = needs.sort(([a = 0, b = 0], [c = 0, d = 0]) => c - a || d - b);
  if (newest === undefined) throw new Error(`no file in ${folder} names a version of the C library`);
  return newest.join('.');
}
