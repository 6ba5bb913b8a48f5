/**
 * Root file systems for suites that would fetch an image. They are made of what this machine has: Debian's static
 * busybox, or programs with the libraries that they are linked with.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { located } from '../engines/program.ts';

const BUSYBOX = '/bin/busybox';
const FOLDERS = 'bin dev etc home lib proc root run sbin sys tmp usr/bin usr/sbin var'.split(' ');

function skeleton(root: string): void {
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n');
}

/** @param root a folder that is made */
export function busyboxRoot(root: string): void {
  skeleton(root);
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
  const paths = execFileSync(BUSYBOX, ['--list-full'], { encoding: 'utf8' }).trim().split('\n');
  for (const path of paths) {
    // Tests call each by its name, or below /bin.
    const link = join(root, 'bin', path.slice(path.lastIndexOf('/') + 1));
    if (!existsSync(link)) symlinkSync('busybox', link);
  }
}

/**
 * @param root a folder that is made
 * @param programs names, looked for in PATH. The first is also /bin/sh.
 */
export function programsRoot(root: string, programs: readonly string[]): void {
  skeleton(root);
  const taken = new Set<string>();
  const take = (path: string): void => {
    const target = join(root, path);
    if (taken.has(path)) return;
    taken.add(path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(realpathSync(path), target);
  };
  for (const name of programs) {
    const path = located(name);
    if (path === undefined) throw new Error(`${name} is not installed`);
    take(path);
    for (const link of [join(root, 'bin', name), join(root, 'usr/bin', name)])
      if (!existsSync(link)) copyFileSync(realpathSync(path), link);
    for (const library of librariesOf(path)) take(library);
  }
  copyFileSync(join(root, 'bin', programs[0] ?? ''), join(root, 'bin/sh'));
}

function librariesOf(path: string): string[] {
  let listed = '';
  try {
    listed = execFileSync('ldd', [path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    // It is linked statically, or is a script.
  }
  return [...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, found]) => found ?? '');
}

/** @param archive ends in what says how it is compressed, as tar knows it */
export function pack(root: string, archive: string): void {
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  execFileSync('tar', ['--directory', root, '--create', '--auto-compress', '--file', archive, ...owner, '.'], {
    env: { ...process.env, XZ_OPT: '-0' },
  });
}
