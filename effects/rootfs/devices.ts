/** The container's /dev: default devices and symlinks (config-linux.md, "Default Devices", and runtime-linux.md, "Dev symbolic links"). */

import { Batch } from '../../native/batch.ts';
import { close, fchownat, mknodat, symlinkat, unlinkat } from '../../native/calls/files.ts';
import { mountSetattr } from '../../native/calls/mounts.ts';
import { umask } from '../../native/calls/process.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { MOUNT_ATTR } from '../../native/constants/mount.ts';
import type { Kernel } from '../../native/kernel.ts';
import { call, perform, SyscallError } from '../../native/perform.ts';
import { isBindMount } from '../../spec/mount-options.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { Mount } from '../../spec/types.ts';
import { doing, EffectError } from '../error.ts';
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
  ['ptmx', 'pts/ptmx'],
];
const CORE = ['core', '/proc/kcore'] as const;

/** A device number as mknod(2) takes it (linux/kdev_t.h, new_encode_dev). */
export const deviceNumber = (major: number, minor: number): number =>
  (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) * 0x1000);

/** A /dev that is bound from the host is the user's own to fill. */
export const needsDevices = (mounts: readonly Mount[]): boolean =>
  !mounts.some((mount) => cleanInside(mount.destination) === '/dev' && isBindMount(mount));

/**
 * @param kcore whether this kernel has /proc/kcore: then /dev/core leads to it
 * @throws EffectError
 */
export function makeDevices(init: Kernel, root: number, kcore: boolean): void {
  doing('make the default devices in /dev', () => {
    const missing = fill(init, root, kcore);
    if (!missing) return;
    makePlaceholder(init, root, '/dev', 'directory');
    if (fill(init, root, kcore)) throw new EffectError('/dev cannot be opened');
  });
}

/** @returns whether there is no /dev */
function fill(init: Kernel, root: number, kcore: boolean): boolean {
  const batch = new Batch();
  const dev = batch.add(openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
  batch.add(umask(0));
  for (const { name, major, minor } of DEFAULT_DEVICES) {
    // What stands there already is not trusted to be the device: without a tmpfs on /dev it comes with the image.
    batch.try(unlinkat(dev, name));
    batch.add(mknodat(dev, name, S.IFCHR | 0o666, deviceNumber(major, minor)));
    batch.add(fchownat(dev, name, 0, 0, AT.SYMLINK_NOFOLLOW));
  }
  batch.add(umask(0o022));
  for (const [name, target] of kcore ? [...LINKS, CORE] : LINKS) {
    batch.try(unlinkat(dev, name));
    batch.add(symlinkat(target, dev, name));
  }
  batch.add(close(dev));
  const { results, stoppedAt } = init.submit(batch.calls);
  if (stoppedAt === undefined) return false;
  const failed = batch.calls[stoppedAt] ?? umask(0);
  const errno = -(results[stoppedAt] ?? 0);
  if (stoppedAt === 0 && errno === ERRNO.ENOENT) return true;
  if (stoppedAt > 0) init.submit([umask(0o022), close(results[0] ?? -1)]);
  throw new SyscallError(failed, errno, stoppedAt);
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
