/** Finds programs of the host that a command calls by name. */

import { faccessat2 } from '../../native/calls/files.ts';
import type { Variable } from '../../native/calls/process.ts';
import { AT, X_OK } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { variable } from './environment.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * @param environment of the command; relative directories of its PATH are left out
 * @returns an absolute path; undefined where there is no such program
 */
export const findProgram = (local: Kernel, environment: readonly Variable[], name: string): string | undefined =>
  (variable(environment, 'PATH') ?? DEFAULT_PATH)
    .split(':')
    .filter((dir) => dir.startsWith('/'))
    .map((dir) => `${dir}/${name}`)
    .find((candidate) => attempt(local, faccessat2(AT.FDCWD, candidate, X_OK, AT.EACCESS)) === 0);
