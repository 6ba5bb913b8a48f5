/** What an image can have in the places that the runtime touches, and how to see that nothing outside was. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Names, types, contents and times of everything below a folder. */
export const portrait = (folder: string): string =>
  execFileSync('find', [folder, '-printf', '%p %y %m %s %T@ %C@ %l\n'], { encoding: 'utf8' })
    .split('\n')
    .toSorted()
    .join('\n');

/** Puts something of the image's at a path of the rootfs, where the runtime expects something else. */
export type Plant = (rootfs: string, path: string) => void;

/** Makes room for what stands in for `path`. @returns where */
export function clear(rootfs: string, path: string): string {
  const at = join(rootfs, path);
  rmSync(at, { recursive: true, force: true });
  mkdirSync(dirname(at), { recursive: true });
  return at;
}

const link =
  (target: (path: string) => string): Plant =>
  (rootfs, path) => {
    const at = clear(rootfs, path);
    symlinkSync(target(path), at);
  };

const up = '../'.repeat(40);

/** @param canary a folder of the host's that has `dir` and `file` in it */
export const hostilePlaces = (canary: string): Readonly<Record<string, Plant>> => ({
  'an absolute link to a directory of the host': link(() => join(canary, 'dir')),
  'an absolute link to a file of the host': link(() => join(canary, 'file')),
  'a relative link that climbs out': link(() => `${up}${join(canary, 'dir').slice(1)}`),
  'a link to what is nowhere': link(() => join(canary, 'new')),
  'a relative link to what is nowhere': link(() => `${up}${join(canary, 'a/b/c').slice(1)}`),
  'a link to the root': link(() => '/'),
  'a link to dots': link(() => up),
  'a link to itself': link((path) => path),
  'a link through procfs': link(() => '/proc/self/root'),
  'a link through a descriptor': link(() => '/proc/self/fd/3'),
  'a link through the descriptor of a directory': link(() => '/proc/1/cwd/../..'),
  'a chain of links': (rootfs, path) => {
    const at = clear(rootfs, path);
    for (let i = 0; i < 5; i++) symlinkSync(`/chain${i + 1}`, clear(rootfs, `/chain${i}`));
    symlinkSync(join(canary, 'dir'), clear(rootfs, '/chain5'));
    symlinkSync('/chain0', at);
  },
  'a loop of links': (rootfs, path) => {
    const at = clear(rootfs, path);
    symlinkSync('/loop', at);
    symlinkSync(path, clear(rootfs, '/loop'));
  },
  'a file': (rootfs, path) => writeFileSync(clear(rootfs, path), 'of the image'),
  'a fifo': (rootfs, path) => void execFileSync('mkfifo', [clear(rootfs, path)]),
  'a device': (rootfs, path) => void execFileSync('mknod', [clear(rootfs, path), 'c', '1', '5']),
  'a directory without permissions': (rootfs, path) => {
    mkdirSync(clear(rootfs, path), { mode: 0 });
  },
  nothing: (rootfs, path) => void clear(rootfs, path),
});
