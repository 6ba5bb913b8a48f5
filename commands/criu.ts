/** What `checkpoint` and `restore` share: their flags, and the options for CRIU that the flags mean. */

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
  'shell-job': boolean({ description: "allow the session and the terminal to be the caller's" }),
  'lazy-pages': boolean({ description: 'leave memory with its source until it is asked for (userfaultfd)' }),
  'file-locks': boolean({ description: 'allow file locks; nobody else may take them meanwhile' }),
  'manage-cgroups-mode': string({
    helpValue: 'soft|full|strict|ignore',
    description: "how CRIU treats the container's cgroups (default: soft)",
  }),
  'empty-ns': string({
    multiple: true,
    helpValue: 'network',
    description: 'make this namespace, but do not restore its content; network is always treated so',
  }),
  'auto-dedup': boolean({ description: 'drop memory of earlier images that later ones hold too' }),
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

/** runc warns here too, since CRIU needs rights that an ordinary user does not have. */
export function warnRootless(context: Context): void {
  if (runsRootless(context)) context.warn('runchart checkpoint is untested with rootless containers');
}
