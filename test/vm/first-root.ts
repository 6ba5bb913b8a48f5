/** What a test machine's kernel starts with: busybox, a script of its, and the modules that it loads to find the disk. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpio } from './cpio.ts';

interface FirstRoot {
  /** A script for busybox's shell, `/bin/busybox`. */
  readonly init: string;
  readonly busybox: string;
  /** Files; each is `/modules/NAME` there. */
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
