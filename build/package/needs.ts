/** Finds which Debian packages bring the libraries that the programs are linked with. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Who brings a library besides those of the C library. A ready-made addon needs these (build/koffi.ts). */
const PACKAGES: Readonly<Record<string, string>> = { 'libstdc++.so.6': 'libstdc++6', 'libgcc_s.so.1': 'libgcc-s1' };
const OF_GLIBC = /^(lib(c|m|dl|rt|pthread)\.so|ld-linux)/;
/** It is loaded when a profile is compiled. */
const LATER = 'libseccomp2 (>= 2.5.0)';

/** @param folder holds the engine and koffi's addon. @returns the value of Depends in deb-control(5) */
export function dependencies(folder: string): string {
  const texts = ['runchart-engine', 'koffi.node'].map((file) =>
    execFileSync('readelf', ['--wide', '--dynamic', '--version-info', join(folder, file)], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }),
  );
  const libraries = new Set(
    texts.flatMap((text) => Array.from(text.matchAll(/\(NEEDED\).*\[(.+)\]/g), ([, name = '']) => name)),
  );
  const others = [...libraries].filter((name) => !OF_GLIBC.test(name)).map(packageOf);
  return [`libc6 (>= ${oldestGlibc(texts)})`, ...others.sort(), LATER].join(', ');
}

function packageOf(library: string): string {
  const name = PACKAGES[library];
  if (name === undefined) throw new Error(`no Debian package is known that brings ${library}`);
  return name;
}

/** @param texts what readelf tells. @returns a version: `2.35` */
function oldestGlibc(texts: readonly string[]): string {
  const named = texts.flatMap((text) =>
    Array.from(text.matchAll(/Name: GLIBC_(\d+)\.(\d+)/g), ([, major, minor]) => [Number(major), Number(minor)]),
  );
  const [newest] = named.sort(([a = 0, b = 0], [c = 0, d = 0]) => c - a || d - b);
  if (newest === undefined) throw new Error('the programs name no version of the C library');
  return newest.join('.');
}
