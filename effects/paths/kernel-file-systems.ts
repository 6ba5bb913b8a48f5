/**
 * File systems whose files are no content of an image: reading them may wait for ever, take away what others were to read, or
 * tell what is the host's. A link or a mount leads to them from where an image's own file is looked for.
 */

import { FS_MAGIC } from '../../native/constants/files.ts';
import type { Out } from '../../native/kernel/kernel.ts';
import { viewOf } from '../../native/kernel/struct.ts';

const KERNELS: readonly number[] = [
  FS_MAGIC.PROC,
  FS_MAGIC.SYSFS,
  FS_MAGIC.CGROUP,
  FS_MAGIC.CGROUP2,
  FS_MAGIC.RDTGROUP,
  FS_MAGIC.DEBUGFS,
  FS_MAGIC.TRACEFS,
  FS_MAGIC.SECURITYFS,
  FS_MAGIC.SELINUX,
  FS_MAGIC.SMACK,
  FS_MAGIC.BPF,
  FS_MAGIC.CONFIGFS,
  FS_MAGIC.PSTORE,
  FS_MAGIC.EFIVARFS,
  FS_MAGIC.BINFMT,
  FS_MAGIC.NSFS,
  FS_MAGIC.MQUEUE,
  FS_MAGIC.DEVPTS,
  FS_MAGIC.AUTOFS,
  FS_MAGIC.FUSECTL,
];

/** @param statfs what fstatfs(2) tells of a file */
export const isKernels = (statfs: Out): boolean => KERNELS.includes(magicOf(statfs));

/** Its files are answered by a program, which may be one in a container, or none. */
export const isFuse = (statfs: Out): boolean => magicOf(statfs) === FS_MAGIC.FUSE;

const magicOf = (statfs: Out): number => viewOf(statfs.bytes).getUint32(0, true);
