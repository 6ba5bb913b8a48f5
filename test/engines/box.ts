/**
 * The image of all scenarios: Debian's static busybox, with a user besides root. It is made here, and never fetched.
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BUSYBOX = '/bin/busybox';
/**
 * The commands that scenarios call. The image is small, since engines without a layered file system copy it for each
 * container.
 */
const COMMANDS =
  'cat chmod chown cut dd df echo env grep head hostname id ls mkdir mknod od ps pwd readlink rm sh sleep sort ' +
  'stat tail test touch tr true tty wc';

/** @returns the path of a tar archive of the root file system, below the folder */
export function boxArchive(folder: string): string {
  const rootfs = join(folder, 'box');
  for (const name of ['bin', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'var'])
    mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync(BUSYBOX, join(rootfs, 'bin/busybox'));
  for (const name of COMMANDS.split(' ')) symlinkSync('busybox', join(rootfs, 'bin', name));
  writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n');
  writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nuser:x:1000:\nothers:x:2000:user\n');
  const archive = join(folder, 'box.tar');
  execFileSync('tar', ['--directory', rootfs, '--create', '--file', archive, '--owner=0', '--group=0', '.']);
  return archive;
}
