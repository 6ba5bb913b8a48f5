/** What `create` and `run` share: their flags, and the request that these make. */

import { boolean, integer, string } from '@oclif/core/flags';
import type { Context } from '../runtime/context.ts';
import type { CreateRequest } from '../runtime/create.ts';
import { absolutePath } from '../runtime/path.ts';
import { globals } from './globals.ts';

export const creatingFlags = {
  ...globals,
  bundle: string({
    char: 'b',
    helpValue: 'DIR',
    description: 'the directory that holds config.json (default: the current one)',
  }),
  'console-socket': string({
    helpValue: 'PATH',
    description: "a Unix socket that is sent the master of the container's terminal",
  }),
  'pidfd-socket': string({
    helpValue: 'PATH',
    description: "a Unix socket that is sent a pidfd of the container's first process",
  }),
  'pid-file': string({ helpValue: 'FILE', description: "write the first process's pid to this file" }),
  'no-pivot': boolean({ description: 'enter the rootfs by chroot: for hosts that run from a ramdisk' }),
  'no-new-keyring': boolean({ description: "leave the container the caller's session keyring" }),
  'preserve-fds': integer({
    helpValue: 'N',
    default: 0,
    min: 0,
    description: 'pass on N more descriptors, after standard error and LISTEN_FDS',
  }),
};

export interface CreatingFlags {
  readonly bundle?: string | undefined;
  readonly 'no-pivot': boolean;
  readonly 'no-new-keyring': boolean;
  readonly 'preserve-fds': number;
}

export function createRequest({ host }: Context, id: string, flags: CreatingFlags): CreateRequest {
  return {
    id,
    bundle: absolutePath(host, flags.bundle ?? ''),
    noPivot: flags['no-pivot'],
    noNewKeyring: flags['no-new-keyring'],
    inheritance: {
      stdio: [0, 1, 2],
      preserveFds: flags['preserve-fds'],
      ...(host.openFilesLimit === undefined ? {} : { openFilesLimit: host.openFilesLimit }),
    },
  };
}

/** runc puts these words before any error of `create` and `run`. */
export async function saying<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
