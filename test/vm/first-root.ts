/**
 * Makes what the kernel of a test machine starts with: busybox, a script for it, and the modules that find the disk.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpio } from './cpio.ts';

interface FirstRoot {
  /** A script for busybox's shell, which is `/bin/busybox`. */
  readonly init: string;
  readonly busybox: string;
  /** Paths of files. In the machine, each is `/modules/NAME`. */
  readonly modules: readonly string[];
}

/** @param work the folder where `initrd.gz` is written */
export function writeFirstRoot(work: string, { init, busybox, modules }: FirstRoot): void {
  const entries = [
    ...['bin', 'dev', 'modules', 'proc', 'root'].map((path) => ({ path, mode: 0o40755 })),
    { path: 'init', mode: 0o100755, data: Buffer.from(init) },
    { path: 'bin/busybox', mode: 0o100755, data: readFileSync(busybox) },
    ...modules.map((path) => ({ path: `modules/${basename(path)}`, mode: 0o100644, data: readFileSync(path) })),
  ];
  writeFileSync(join(work, 'initrd.gz'), gzipSync(cpio(entries), { level: 1 }));
}
