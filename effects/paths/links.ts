/** Where the standard descriptors of a process lead. */

import { readLink } from '../../native/calls/read-link.ts';
import { AT } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';

/** @returns `pipe:[123]`, `/dev/null`; an empty text for a descriptor that is not open */
export const linksOf = (local: Kernel, fds: readonly Fd[], pid: Pid | 'self' = 'self'): readonly string[] =>
  fds.map((fd) => readLink(local, AT.FDCWD, `/proc/${pid}/fd/${fd}`) ?? '');
