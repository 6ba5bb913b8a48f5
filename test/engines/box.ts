/** The image of all scenarios: Debian's static busybox, with a user besides root. Made here, never fetched. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BUSYBOX = '/bin/busybox';

/** @returns the path of a tar archive of the root file system, below the folder */
export function boxArchive(folder: string): string {
  const rootfs = join(folder, 'box');
  for (const name of ['bin', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var'])
    mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync(BUSYBOX, join(rootfs, 'bin/busybox'));
  for (const applet of execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
    if (applet !== 'busybox') symlinkSync('busybox', join(rootfs, 'bin', applet));
  writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n');
  writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nuser:x:1000:\nothers:x:2000:user\n');
  const archive = join(folder, 'box.tar');
  execFileSync('tar', ['--directory', rootfs, '--create', '--file', archive, '--owner=0', '--group=0', '.']);
  return archive;
}
