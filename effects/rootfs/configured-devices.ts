/** The device nodes that config.json asks for (config-linux.md, "Devices"), made after the default ones. */

import { close, type FdArg, fchownat, mknodat, STATX_BYTES, statx, unlinkat } from '../../native/calls/files.ts';
import { umask } from '../../native/calls/process.ts';
import { deviceNumber, isDeviceNode, typeOf } from '../../native/calls/stat.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt, call, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { cleanInside } from '../../spec/paths.ts';
import type { Device } from '../../spec/types.ts';
import { PartedBatch } from '../batch.ts';
import { doing } from '../error.ts';
import { baseOf, makePlaceholder, openInRoot, parentOf } from '../paths/in-root.ts';
import { bindDevices } from './bound-devices.ts';

const TYPES: Readonly<Record<string, number>> = { c: S.IFCHR, u: S.IFCHR, b: S.IFBLK, p: S.IFIFO };

/**
 * /dev/ptmx is left out, whatever an engine lists: it stays the link to the container's own devpts. A node there would
 * open the host's.
 */
export const configuredDevices = (devices: readonly Device[] | undefined): readonly Device[] =>
  (devices ?? [])
    .map((device) => ({ ...device, path: cleanInside(device.path) }))
    .filter(({ path }) => path !== '/dev/ptmx');

/** How many devices one batch makes. */
const DEVICES_OF_A_BATCH = 256;

/** @param devices as `configuredDevices` returns them @throws EffectError `make /dev/fuse: mknodat: ENOSPC: …` */
export function makeConfiguredDevices(init: Kernel, root: Fd, devices: readonly Device[]): void {
  if (devices.length === 0) return;
  // Their directories get all permissions too, as with runc.
  const before = call(init, umask(0));
  for (let begin = 0; begin < devices.length; begin += DEVICES_OF_A_BATCH) {
    for (const device of makeAtOnce(init, root, devices.slice(begin, begin + DEVICES_OF_A_BATCH))) {
      if (doing(`make ${device.path}`, () => make(init, root, device)) !== 'forbidden') continue;
      bindDevices(init, root, [{ path: device.path, source: device.path }]);
    }
  }
  call(init, umask(before));
}

/**
 * Makes those devices in one batch for which there is a directory and nothing in the way.
 * @returns the others
 */
function makeAtOnce(init: Kernel, root: Fd, devices: readonly Device[]): readonly Device[] {
  const batch = new Batch();
  const nodes = devices.map((device) => {
    const parent = batch.try(openInRoot(root, parentOf(device.path), O.PATH | O.DIRECTORY));
    const node = batch.try(nodeOf(device, parent));
    batch.try(close(parent));
    return node;
  });
  const { results } = init.submit(batch.calls);
  const isMade = (_: Device, i: number): boolean => nodes[i] !== undefined && resultOf(results, nodes[i]) === 0;
  giveToOwners(init, root, devices.filter(isMade));
  return devices.filter((device, i) => !isMade(device, i));
}

/** A second batch, since a node that was there before keeps its owner. */
function giveToOwners(init: Kernel, root: Fd, devices: readonly Device[]): void {
  const batch = new PartedBatch();
  for (const { path, uid = 0, gid = 0 } of devices) {
    if (uid === 0 && gid === 0) continue;
    const parent = batch.add(openInRoot(root, parentOf(path), O.PATH | O.DIRECTORY));
    batch.add(fchownat(parent, baseOf(path), uid, gid, AT.SYMLINK_NOFOLLOW));
    batch.add(close(parent));
    batch.part(`make ${path}`);
  }
  if (batch.calls.length > 0) batch.perform(init);
}

/** If the device is there already, it stays as it is: on a devtmpfs it is the host's own. */
function make(init: Kernel, root: Fd, device: Device): 'done' | 'forbidden' {
  const { path, uid = 0, gid = 0 } = device;
  const name = baseOf(path);
  makePlaceholder(init, root, parentOf(path), 'directory');
  using parent = opened(init, openInRoot(root, parentOf(path), O.PATH | O.DIRECTORY));
  const node = nodeOf(device, parent.fd);
  let errno = create(init, node);
  if (errno === ERRNO.EEXIST) {
    if (isThere(init, parent.fd, device)) return 'done';
    call(init, unlinkat(parent.fd, name));
    errno = create(init, node);
  }
  if (errno === ERRNO.EPERM) return 'forbidden';
  if (errno > 0) throw new SyscallError(node, errno);
  if (uid !== 0 || gid !== 0) call(init, fchownat(parent.fd, name, uid, gid, AT.SYMLINK_NOFOLLOW));
  return 'done';
}

const typeBits = ({ type }: Device): number => TYPES[type] ?? S.IFCHR;
const numbersOf = ({ major = 0, minor = 0 }: Device) => ({ major: Number(major), minor: Number(minor) });

function nodeOf(device: Device, parent: FdArg): Call {
  const { major, minor } = numbersOf(device);
  const mode = typeBits(device) | ((device.fileMode ?? 0o666) & 0o777);
  return mknodat(parent, baseOf(device.path), mode, deviceNumber(major, minor));
}

/** @returns 0 or errno */
const create = (init: Kernel, node: Call): number => Math.max(0, -attempt(init, node));

function isThere(init: Kernel, parent: Fd, device: Device): boolean {
  const stat = out(STATX_BYTES);
  call(init, statx(parent, baseOf(device.path), stat));
  return device.type === 'p' ? typeOf(stat) === S.IFIFO : isDeviceNode(stat, typeBits(device), numbersOf(device));
}
