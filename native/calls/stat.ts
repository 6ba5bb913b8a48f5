/** Reads struct statx and struct statfs (statx(2), statfs(2)). The offsets are those of uapi/linux/stat.h. */

import { S } from '../constants/files.ts';
import type { Out } from '../kernel/kernel.ts';
import { viewOf } from '../kernel/struct.ts';

/** struct statx: the memory of an `Out`, or a part of it. */
type Statx = Pick<Out, 'bytes'>;

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

/** The type and the permissions. */
export const modeOf = (stat: Statx): number => viewOf(stat.bytes).getUint16(STX.MODE, true);

/** S_IFDIR, S_IFREG, … */
export const typeOf = (stat: Statx): number => modeOf(stat) & S.IFMT;

export const ownerOf = (stat: Statx): number => viewOf(stat.bytes).getUint32(STX.UID, true);

export const groupOf = (stat: Statx): number => viewOf(stat.bytes).getUint32(STX.GID, true);

export const inodeOf = (stat: Statx): bigint => wide(stat, STX.INO);

export const sizeOf = (stat: Statx): number => Number(viewOf(stat.bytes).getBigUint64(STX.SIZE, true));

/** When the content was last modified, in milliseconds since 1970. */
export function modifiedAt(stat: Statx): number {
  const view = viewOf(stat.bytes);
  return Number(view.getBigInt64(STX.MTIME, true)) * 1000 + view.getUint32(STX.MTIME + 8, true) / 1e6;
}

/** Which device a device node stands for; 0, 0 for other files. */
export function deviceOf(stat: Statx): DeviceNumbers {
  const view = viewOf(stat.bytes);
  return { major: view.getUint32(STX.RDEV_MAJOR, true), minor: view.getUint32(STX.RDEV_MINOR, true) };
}

/** Seconds since 1970, and nanoseconds on top. */
type Timestamp = readonly [seconds: bigint, nanoseconds: number];

/** When it was last read, and when its content was last modified: utimensat(2) takes both in this order. */
export function timesOf(stat: Statx): readonly [read: Timestamp, modified: Timestamp] {
  const view = viewOf(stat.bytes);
  const at = (field: number): Timestamp => [view.getBigInt64(field, true), view.getUint32(field + 8, true)];
  return [at(STX.ATIME), at(STX.MTIME)];
}

/** The id of the mount that a file is on, as the mount table has it (proc_pid_mountinfo(5)). */
export const mountOf = (stat: Statx): bigint => wide(stat, STX.MNT_ID);

export const isOnSameMount = (a: Statx, b: Statx): boolean => mountOf(a) === mountOf(b);

/** Whether both are the same file, reached by the same mount. */
export const isSameFile = (a: Statx, b: Statx): boolean =>
  isOnSameMount(a, b) && [STX.INO, STX.DEV_MAJOR].every((field) => wide(a, field) === wide(b, field));

const wide = (stat: Statx, field: number): bigint => viewOf(stat.bytes).getBigUint64(field, true);

/** Whether it is that device, whatever its permissions. @param type S_IFCHR or S_IFBLK */
export function isDeviceNode(stat: Statx, type: number, { major, minor }: DeviceNumbers): boolean {
  const device = deviceOf(stat);
  return typeOf(stat) === type && device.major === major && device.minor === minor;
}

export const isCharacterDevice = (stat: Statx, numbers: DeviceNumbers): boolean => isDeviceNode(stat, S.IFCHR, numbers);

/** Which kind of file system a file is on, as fstatfs(2) tells it: one of `FS_MAGIC`, or another number. */
export const magicOf = (statfs: Out): number => viewOf(statfs.bytes).getUint32(0, true);
