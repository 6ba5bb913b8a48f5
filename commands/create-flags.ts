/** The flags of the commands that make a container, and what they ask for. */

import { boolean, integer, string } from '@oclif/core/flags';
import type { Context } from '../runtime/container/context.ts';
import { absolutePath, givenPath } from '../runtime/host/path.ts';
import { realDirectory } from '../runtime/host/real-directory.ts';
import type { BackgroundOptions, Planned } from '../runtime/operations/background.ts';
import { readConfig } from '../runtime/operations/create.ts';
import { checkContainerId } from '../spec/id.ts';
import { configWarnings } from '../spec/rules/warnings.ts';
import { globals } from './globals.ts';
import { integerFor } from './integer.ts';

export const createFlags = {
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
  'no-new-keyring': boolean({ description: "let the container have the caller's session keyring" }),
  'preserve-fds': integer({
    helpValue: 'N',
    default: 0,
    parse: integerFor('preserve-fds', 0),
    description: 'pass on N more descriptors, those after standard error and LISTEN_FDS',
  }),
};

export interface CreateFlags {
  readonly bundle?: string | undefined;
  readonly 'console-socket'?: string | undefined;
  readonly 'pidfd-socket'?: string | undefined;
  readonly 'pid-file'?: string | undefined;
  readonly 'no-pivot': boolean;
  readonly 'no-new-keyring': boolean;
  readonly 'preserve-fds': number;
}

export interface AskedContainer {
  readonly request: Planned;
  readonly options: Omit<BackgroundOptions, 'start'>;
}

/** What these flags ask for. @throws Error, of one line, if the bundle or the name cannot be used */
export async function askedContainer(
  { host, platform, warn }: Context,
  id: string,
  flags: CreateFlags,
): Promise<AskedContainer> {
  const given = flags.bundle ?? '';
  const named = absolutePath(host, given);
  const bundle = given === '' ? named : realDirectory(platform.local, named);
  const config = await readConfig(platform.local, bundle);
  checkContainerId(id);
  for (const warning of configWarnings(config)) warn(warning);
  // runc connects to sockets from the bundle, but writes the pid file from where it was called.
  const inBundle = { cwd: bundle, env: {} };
  return {
    request: {
      id,
      bundle,
      config,
      noPivot: flags['no-pivot'],
      noNewKeyring: flags['no-new-keyring'],
      notifySocket: host.env.NOTIFY_SOCKET,
    },
    options: {
      consoleSocket: givenPath(inBundle, flags['console-socket']),
      // crun's annotation asks for the same.
      pidfdSocket: givenPath(inBundle, flags['pidfd-socket'] ?? config.annotations?.['run.oci.pidfd_receiver']),
      pidFile: givenPath(host, flags['pid-file']),
      preserveFds: flags['preserve-fds'],
    },
  };
}

/** runc puts these words before any error of `create` and `run`. */
export async function withPrefix<T>(prefix: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new Error(`${prefix}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
