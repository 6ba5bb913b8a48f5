/** Checkpoints a container, and brings it back: by CRIU, which has to be installed. */

import { resolve } from 'node:path';
import type {
  RestoreOptions as CriuRestoreOptions,
  CheckpointOptions as DumpOptions,
} from '../effects/criu/options.ts';
import { checkpointContainer } from '../runtime/operations/checkpoint.ts';
import type { LibraryContext } from './context.ts';

/** What both need to know. What is left out is CRIU's own choice. */
export interface ImageOptions {
  /** The directory of the images. */
  readonly imagePath: string;
  /** The directory for CRIU's logs. By default that of the images. */
  readonly workPath?: string;
  /** Keeps TCP connections that are established. */
  readonly tcpEstablished?: boolean;
  /** Allows Unix sockets that are connected to processes outside of the container. */
  readonly externalUnixSockets?: boolean;
  /** Allows the session and the terminal to be the caller's. */
  readonly shellJob?: boolean;
  /** Allows file locks. Nobody else may take them meanwhile. */
  readonly fileLocks?: boolean;
  /** Leaves memory with its source until it is asked for (userfaultfd(2)). */
  readonly lazyPages?: boolean;
  /** Drops memory of earlier images that later ones hold too. */
  readonly autoDedup?: boolean;
  /** How CRIU treats the container's cgroups. */
  readonly cgroupsMode?: 'ignore' | 'soft' | 'full' | 'strict';
}

export interface CheckpointOptions extends ImageOptions {
  /** Lets the container go on. By default it is deleted once the images are written. */
  readonly leaveRunning?: boolean;
  /** Writes the memory only, and lets the container go on: the next checkpoint names these images as `parentPath`. */
  readonly preDump?: boolean;
  /** The images of an earlier checkpoint with `preDump`, relative to the new ones. */
  readonly parentPath?: string;
  /** Leaves out TCP connections that are being made. */
  readonly tcpSkipInFlight?: boolean;
  /** Gives files that were unlinked while open a name again, where possible. */
  readonly linkRemap?: boolean;
  /** Sends the memory to a page server. */
  readonly pageServer?: { readonly address: string; readonly port: number };
  /** A zero byte is written to this descriptor once the page server of `lazyPages` is ready. Then it is closed. */
  readonly statusFd?: number;
}

export interface CriuRestore extends ImageOptions {
  /** The profile or label of a security module, `TYPE:NAME`, instead of the one in the images. */
  readonly lsmProfile?: string;
  /** The security context of restored mounts. */
  readonly lsmMountContext?: string;
}

export async function checkpoint(context: LibraryContext, id: string, options: CheckpointOptions): Promise<void> {
  const { leaveRunning = false, preDump = false, parentPath, pageServer, statusFd } = options;
  const dump: DumpOptions = {
    ...imageOptions(options),
    parentPath,
    pageServer,
    statusFd,
    tcpSkipInFlight: options.tcpSkipInFlight ?? false,
    linkRemap: options.linkRemap ?? false,
  };
  await checkpointContainer(context, id, { leaveRunning, preDump }, dump);
}

export const restoreOptions = (options: CriuRestore): CriuRestoreOptions => ({
  ...imageOptions(options),
  lsmProfile: options.lsmProfile,
  lsmMountContext: options.lsmMountContext,
});

const imageOptions = (options: ImageOptions) => ({
  imagePath: resolve(options.imagePath),
  workPath: options.workPath === undefined ? undefined : resolve(options.workPath),
  tcpEstablished: options.tcpEstablished ?? false,
  externalUnixSockets: options.externalUnixSockets ?? false,
  shellJob: options.shellJob ?? false,
  fileLocks: options.fileLocks ?? false,
  lazyPages: options.lazyPages ?? false,
  autoDedup: options.autoDedup ?? false,
  cgroupsMode: options.cgroupsMode,
});
