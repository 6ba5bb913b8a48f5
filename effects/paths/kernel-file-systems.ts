/**
 * File systems whose files are no content of an image. To read one of their files may wait for ever, may take away what
 * others were to read, or may tell something about the host. An image can lead a reader to them by a link, and the
 * config by a mount.
 */

import { magicOf } from '../../native/calls/stat.ts';
import { FS_MAGIC } from '../../native/constants/files.ts';
import type { Out } from '../../native/kernel/kernel.ts';

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

/** Whether the kernel itself makes up a file's content. @param statfs what fstatfs(2) tells about the file */
export const isKernels = (statfs: Out): boolean => KERNELS.includes(magicOf(statfs));

/** Whether a program answers for a file. It may be one in a container, or it may have ended. */
export const isFuse = (statfs: Out): boolean => magicOf(statfs) === FS_MAGIC.FUSE;
