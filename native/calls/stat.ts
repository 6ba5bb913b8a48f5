/** What struct statx and struct statfs say (statx(2), statfs(2)); byte offsets of uapi/linux/stat.h. */

import { S } from '../constants/files.ts';
import type { Out } from '../kernel/kernel.ts';
import { viewOf } from '../kernel/struct.ts';

const STX = {
  UID: 20,
  GID: 24,
  MODE: 28,
  INO: 32,
  SIZE: 40,
  ATIME: 64,
  MTIME: 112,
  RDEV_MAJOR: 128,
  RDEV_MINOR: 132,
  DEV_MAJOR: 136,
  MNT_ID: 144,
} as const;

export interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

export const NULL_DEVICE: DeviceNumbers = { major: 1, minor: 3 };

/** A device number as mknod(2) takes it (linux/kdev_t.h, new_encode_dev). */
export const deviceNumber = (major: number, minor: number): number =>
  (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) * 0x1000);

/** Type and permissions. */
export const modeOf = (stat: Out): number => viewOf(stat.bytes).getUint16(STX.MODE, true);

/** S_IFDIR, S_IFREG, … */
export const typeOf = (stat: Out): number => modeOf(stat) & S.IFMT;

export const ownerOf = (stat: Out): number => viewOf(stat.bytes).getUint32(STX.UID, true);

export const groupOf = (stat: Out): number => viewOf(stat.bytes).getUint32(STX.GID, true);

export const inodeOf = (stat: Out): bigint => wide(stat, STX.INO);

export const sizeOf = (stat: Out): number => Number(viewOf(stat.bytes).getBigUint64(STX.SIZE, true));

/** When its content was last modified, in milliseconds since 1970. */
export function modifiedAt(stat: Out): number {
  const view = viewOf(stat.bytes);
  return Number(view.getBigInt64(STX.MTIME, true)) * 1000 + view.getUint32(STX.MTIME + 8, true) / 1e6;
}

/** Of a device's node: which device it is. */
export function deviceOf(stat: Out): DeviceNumbers {
  const view = viewOf(stat.bytes);
  return { major: view.getUint32(STX.RDEV_MAJOR, true), minor: view.getUint32(STX.RDEV_MINOR, true) };
}

/** Seconds since 1970, and nanoseconds on top. */
type Timestamp = readonly [seconds: bigint, nanoseconds: number];

/** When it was last read, and when its content was last modified: utimensat(2) takes both in this order. */
export function timesOf(stat: Out): readonly [read: Timestamp, modified: Timestamp] {
  const view = viewOf(stat.bytes);
  const at = (field: number): Timestamp => [view.getBigInt64(field, true), view.getUint32(field + 8, true)];
  return [at(STX.ATIME), at(STX.MTIME)];
}
export const isOnSameMount = (a: Out, b: Out): boolean => wide(a, STX.MNT_ID) === wide(b, STX.MNT_ID);

/** The same file by the same mount. */
export const isSameFile = (a: Out, b: Out): boolean =>
  isOnSameMount(a, b) && [STX.INO, STX.DEV_MAJOR].every((field) => wide(a, field) === wide(b, field));

const wide = (stat: Out, field: number): bigint => viewOf(stat.bytes).getBigUint64(field, true);

/** Whether it is that device, whatever its name and permissions. @param type S_IFCHR, S_IFBLK */
export function isDeviceNode(stat: Out, type: number, { major, minor }: DeviceNumbers): boolean {
  const device = deviceOf(stat);
  return typeOf(stat) === type && device.major === major && device.minor === minor;
}

export const isCharacterDevice = (stat: Out, numbers: DeviceNumbers): boolean => isDeviceNode(stat, S.IFCHR, numbers);

/** Which kind of file system a file is on, as fstatfs(2) tells it: one of `FS_MAGIC`, or another number. */
export const magicOf = (statfs: Out): number => viewOf(statfs.bytes).getUint32(0, true);
