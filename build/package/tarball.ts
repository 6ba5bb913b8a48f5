/** Packs a tree so that equal trees give equal bytes. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';

/** @returns the path of the tarball. What it holds lies below a folder of its name */
export function buildTarball(tree: string, { date, file }: { readonly date: Date; readonly file: string }): string {
  const folder = basename(file, '.tar.gz');
  const options = [
    ...['--sort=name', `--mtime=@${date.getTime() / 1000}`, '--owner=0', '--group=0', '--numeric-owner'],
    // What the format of PAX would add is the time of access, and the number of this process.
    ...['--format=gnu', '--mode=u+rw,go=rX', `--transform=flags=r;s,^\\.,${folder},`],
  ];
  const archive = execFileSync('tar', ['-C', tree, ...options, '-cf', '-', '.'], { maxBuffer: 1 << 30 });
  writeFileSync(file, gzipSync(archive, { level: 6 }));
  return file;
}
