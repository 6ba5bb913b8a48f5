/** What `checkpoint` and `restore` share: their flags, and what these ask CRIU for. */

import { boolean, string } from '@oclif/core/flags';
import type { Context } from '../runtime/container/context.ts';
import { absolutePath } from '../runtime/host/path.ts';
import { runsRootless } from '../runtime/host/rootless.ts';
import type { CheckpointOptions } from '../runtime/operations/checkpoint.ts';

const DIR = { helpValue: 'DIR' };

export const criuFlags = {
  'image-path': string({ ...DIR, description: 'where the images are (default: checkpoint in the current directory)' }),
  'work-path': string({ ...DIR, description: "where CRIU's logs go (default: to the images)" }),
  'tcp-established': boolean({ description: 'keep TCP connections that are established' }),
  'ext-unix-sk': boolean({ description: 'allow Unix sockets that are connected to processes outside' }),
  'shell-job': boolean({ description: "allow a session and a terminal that are the caller's" }),
  'lazy-pages': boolean({ description: 'leave memory with its source until it is asked for (userfaultfd)' }),
  'file-locks': boolean({ description: 'allow file locks; nobody else may want them meanwhile' }),
  'manage-cgroups-mode': string({
    helpValue: 'soft|full|strict|ignore',
    description: "how CRIU treats the container's cgroups (default: soft)",
  }),
  'empty-ns': string({
    multiple: true,
    helpValue: 'network',
    description: 'make such a namespace, and do not restore what is in it; so it is with network in any case',
  }),
  'auto-dedup': boolean({ description: 'drop memory of earlier images that a later one has as well' }),
};

export interface CriuFlags {
  readonly 'image-path'?: string | undefined;
  readonly 'work-path'?: string | undefined;
  readonly 'tcp-established': boolean;
  readonly 'ext-unix-sk': boolean;
  readonly 'shell-job': boolean;
  readonly 'lazy-pages': boolean;
  readonly 'file-locks': boolean;
  readonly 'manage-cgroups-mode'?: string | undefined;
  readonly 'empty-ns'?: readonly string[] | undefined;
  readonly 'auto-dedup': boolean;
}

type Common = Omit<
  CheckpointOptions,
  'parentPath' | 'tcpSkipInFlight' | 'linkRemap' | 'pageServer' | 'statusFd' | 'cgroupsMode'
> &
  Pick<CheckpointOptions, 'cgroupsMode'>;

/** @throws Error with runc's texts */
export function criuOptions({ host }: Context, flags: CriuFlags): Common {
  for (const namespace of flags['empty-ns'] ?? [])
    if (namespace !== 'network') throw new Error(`namespace ${JSON.stringify(namespace)} is not supported`);
  return {
    imagePath: absolutePath(host, flags['image-path'] || 'checkpoint'),
    workPath: flags['work-path'] ? absolutePath(host, flags['work-path']) : undefined,
    tcpEstablished: flags['tcp-established'],
    externalUnixSockets: flags['ext-unix-sk'],
    shellJob: flags['shell-job'],
    fileLocks: flags['file-locks'],
    lazyPages: flags['lazy-pages'],
    autoDedup: flags['auto-dedup'],
    cgroupsMode: cgroupsMode(flags['manage-cgroups-mode'] ?? ''),
  };
}

function cgroupsMode(mode: string): Common['cgroupsMode'] {
  switch (mode) {
    case '':
      return undefined;
    case 'soft':
    case 'full':
    case 'strict':
    case 'ignore':
      return mode;
    default:
      throw new Error('invalid manage-cgroups-mode value');
  }
}

/** As runc does: CRIU asks for rights that a user has not got. */
export function warnRootless(context: Context): void {
  if (runsRootless(context)) context.warn('runchart checkpoint is untested with rootless containers');
}
