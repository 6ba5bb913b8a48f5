/** A limit as a write to a file of a cgroup. v1.ts and v2.ts plan such writes. */

import type { ErrnoName } from '../../../native/constants/errno.ts';
import type { Wide } from '../../../spec/types.ts';
import type { FileWrite } from '../files.ts';

export interface Limit extends FileWrite {
  /** The controller whose directory has the file. */
  readonly controller: string;
  /** Failures that do not matter: nothing needs to be done, or a later write of the list does it. */
  readonly tolerate?: readonly ErrnoName[];
  /** Written instead where the file is not there. */
  readonly otherwise?: FileWrite;
}

/** Whether a value is given. In config.json a zero means that the limit is left as it is, as in runc. */
export const isSet = (value: Wide | undefined): value is Wide => value !== undefined && BigInt(value) !== 0n;

export const isUnlimited = (value: Wide | undefined): boolean => value !== undefined && BigInt(value) === -1n;

/** A device as the files of cgroups name it: `major:minor`. */
export const majorMinor = ({ major, minor }: { readonly major: Wide; readonly minor: Wide }): string =>
  `${major}:${minor}`;
