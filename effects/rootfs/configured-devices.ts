/** The device nodes that config.json asks for (config-linux.md, "Devices"), after the default ones. */

import { close, fchownat, mknodat, STATX_BYTES, statx, unlinkat } from '../../native/calls/files.ts';
import { umask } from '../../native/calls/process.ts';
import { deviceNumber, isDeviceNode, typeOf } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { Device } from '../../spec/types.ts';
import { doing } from '../error.ts';
import { baseOf, makePlaceholder, openInRoot, parentOf } from '../paths/in-root.ts';
import { bindDevices } from './bound-devices.ts';

const TYPES: Readonly<Record<string, number>> = { c: S.IFCHR, u: S.IFCHR, b: S.IFBLK, p: S.IFIFO };

/** /dev/ptmx stays the link to the container's own devpts, whatever an engine lists: that node would open the host's. */
export const configuredDevices = (devices: readonly Device[] | undefined): readonly Device[] =>
  (devices ?? [])
    .map((device) => ({ ...device, path: cleanInside(device.path) }))
    .filter(({ path }) => path !== '/dev/ptmx');

/** @param devices as `configuredDevices` has them @throws EffectError `make /dev/fuse: mknodat: ENOSPC: …` */
export function makeConfiguredDevices(init: Kernel, root: number, devices: readonly Device[]): void {
  if (devices.length === 0) return;
  // Of their directories too, as with runc.
  const before = call(init, umask(0));
  for (const device of devices) {
    if (doing(`make ${device.path}`, () => make(init, root, device)) !== 'forbidden') continue;
    bindDevices(init, root, [{ path: device.path, source: device.path }]);
  }
  call(init, umask(before));
}

/** What is there already and is the device stays as it is: on a devtmpfs it is the host's own. */
function make(init: Kernel, root: number, device: Device): 'done' | 'forbidden' {
  const { path, uid = 0, gid = 0 } = device;
  const name = baseOf(path);
  makePlaceholder(init, root, parentOf(path), 'directory');
  const parent = call(init, openInRoot(root, parentOf(path), O.PATH | O.DIRECTORY));
  try {
    const node = nodeOf(device, parent);
    let errno = create(init, node);
    if (errno === ERRNO.EEXIST) {
      if (isThere(init, parent, device)) return 'done';
      perform(init, [unlinkat(parent, name)]);
      errno = create(init, node);
    }
    if (errno === ERRNO.EPERM) return 'forbidden';
    if (errno > 0) throw new SyscallError(node, errno);
    if (uid !== 0 || gid !== 0) perform(init, [fchownat(parent, name, uid, gid, AT.SYMLINK_NOFOLLOW)]);
    return 'done';
  } finally {
    attempt(init, close(parent));
  }
}

const typeBits = ({ type }: Device): number => TYPES[type] ?? S.IFCHR;
const numbersOf = ({ major = 0, minor = 0 }: Device) => ({ major: Number(major), minor: Number(minor) });

function nodeOf(device: Device, parent: number): Call {
  const { major, minor } = numbersOf(device);
  const mode = typeBits(device) | ((device.fileMode ?? 0o666) & 0o777);
  return mknodat(parent, baseOf(device.path), mode, deviceNumber(major, minor));
}

/** @returns 0 or errno */
function create(init: Kernel, node: Call): number {
  return Math.max(0, -attempt(init, node));
}

function isThere(init: Kernel, parent: number, device: Device): boolean {
  const stat = out(STATX_BYTES);
  perform(init, [statx(parent, baseOf(device.path), stat)]);
  return device.type === 'p' ? typeOf(stat) === S.IFIFO : isDeviceNode(stat, typeBits(device), numbersOf(device));
}
