/** The container's /dev: default devices and symlinks (config-linux.md, "Default Devices", and runtime-linux.md, "Dev symbolic links"). */

import { Batch } from '../../native/batch.ts';
import { close, fchownat, mknodat, symlinkat, unlinkat } from '../../native/calls/files.ts';
import { mountSetattr } from '../../native/calls/mounts.ts';
import { umask } from '../../native/calls/process.ts';
import { O, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import type { Kernel } from '../../native/kernel.ts';
import { call, perform } from '../../native/perform.ts';
import { isBindMount } from '../../spec/mount-options.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { Mount } from '../../spec/types.ts';
import { doing } from '../error.ts';
import { parseMountOptions } from '../mounts/options.ts';
import { makePlaceholder, openInRoot } from './in-root.ts';

interface CharacterDevice {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
}

export const DEFAULT_DEVICES: readonly CharacterDevice[] = [
  { name: 'null', major: 1, minor: 3 },
  { name: 'zero', major: 1, minor: 5 },
  { name: 'full', major: 1, minor: 7 },
  { name: 'random', major: 1, minor: 8 },
  { name: 'urandom', major: 1, minor: 9 },
  { name: 'tty', major: 5, minor: 0 },
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
];

/** A device number as mknod(2) takes it (linux/kdev_t.h, new_encode_dev). */
export const deviceNumber = (major: number, minor: number): number =>
  (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) * 0x1000);

/** A /dev that is bound from the host is the user's own to fill. */
export const needsDevices = (mounts: readonly Mount[]): boolean =>
  !mounts.some((mount) => cleanInside(mount.destination) === '/dev' && isBindMount(mount));

/** @throws EffectError */
export function makeDevices(init: Kernel, root: number): void {
  doing('make the default devices in /dev', () => {
    makePlaceholder(init, root, '/dev', 'directory');
    const dev = call(init, openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
    const batch = new Batch();
    batch.add(umask(0));
    for (const { name, major, minor } of DEFAULT_DEVICES) {
      // What stands there already is not trusted to be the device: without a tmpfs on /dev it comes with the image.
      batch.try(unlinkat(dev, name));
      batch.add(mknodat(dev, name, S.IFCHR | 0o666, deviceNumber(major, minor)));
      batch.add(fchownat(dev, name, 0, 0, 0x100));
    }
    for (const [name, target] of LINKS) {
      batch.try(unlinkat(dev, name));
      batch.add(symlinkat(target, dev, name));
    }
    batch.try(unlinkat(dev, 'ptmx'));
    batch.add(symlinkat('pts/ptmx', dev, 'ptmx'));
    batch.add(umask(0o022));
    try {
      perform(init, batch.calls);
    } finally {
      init.submit([close(dev)]);
    }
    linkCore(init, root);
  });
}

/** /dev/core, where the kernel offers /proc/kcore. */
function linkCore(init: Kernel, root: number): void {
  const batch = new Batch();
  const kcore = batch.add(openInRoot(root, '/proc/kcore', O.PATH));
  batch.add(close(kcore));
  const dev = batch.add(openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
  batch.try(symlinkat('/proc/kcore', dev, 'core'));
  batch.add(close(dev));
  init.submit(batch.calls);
}

/** A /dev that is to be read-only, now that it has been filled. */
export function closeDev(init: Kernel, root: number, mounts: readonly Mount[]): void {
  const dev = mounts.find(({ destination, type }) => cleanInside(destination) === '/dev' && type === 'tmpfs');
  if (dev === undefined || (parseMountOptions(dev.options ?? []).attributes.set & MOUNT_ATTR.RDONLY) === 0) return;
  doing('make /dev read-only', () => {
    const fd = call(init, openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
    perform(init, [mountSetattr(fd, '', { set: MOUNT_ATTR.RDONLY }), close(fd)]);
  });
}
