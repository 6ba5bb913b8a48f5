/** A limit as a write to a file of a cgroup: what the planners of both versions produce. */

import type { ErrnoName } from '../../../native/constants/errno.ts';
import type { Wide } from '../../../spec/types.ts';
import type { FileWrite } from '../files.ts';

export interface Limit extends FileWrite {
  /** The controller whose directory has the file. */
  readonly controller: string;
  /** Failures that mean that nothing needs to be done, or that a later write of the list does it. */
  readonly tolerate?: readonly ErrnoName[];
  /** Written instead where the file is not there. */
  readonly otherwise?: FileWrite;
}

/** Whether a value is given: config.json's zero means `leave it`, as in runc. */
export const isSet = (value: Wide | undefined): value is Wide => value !== undefined && BigInt(value) !== 0n;

export const isUnlimited = (value: Wide | undefined): boolean => value !== undefined && BigInt(value) === -1n;

/** A device as the files of cgroups name it: `major:minor`. */
export const majorMinor = ({ major, minor }: { readonly major: Wide; readonly minor: Wide }): string =>
  `${major}:${minor}`;
