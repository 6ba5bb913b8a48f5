/** The beginning of a file that an image has put somewhere. */

import { fstatfs, openat, pread, STATFS_BYTES, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { sizeOf, typeOf } from '../../native/calls/stat.ts';
import { AT, O, S } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { opened } from '../../native/kernel/owned.ts';
import { call } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { openInRoot } from '../paths/in-root.ts';
import { isFuse, isKernels } from '../paths/kernel-file-systems.ts';
import { HEADER_BYTES } from './elf.ts';
import type { Root } from './scene.ts';

export interface Head {
  readonly bytes: Uint8Array;
  /** Of the whole file. */
  readonly size: number;
  /** Reads on, elsewhere in the file. */
  more(offset: number, length: number): Uint8Array;
}

/**
 * Reads the first bytes of a regular file. A fifo, a device, a file of the kernel's or of a FUSE server's is left
 * alone: to read it may wait for ever, or take away what others were to read.
 * @param use is given them while the file is open
 * @returns undefined where it is none that can be read
 */
export function withHead<T>(kernel: Kernel, root: Root, path: string, use: (head: Head) => T): T | undefined {
  try {
    using place = opened(kernel, openInRoot(root.directory.fd, path, O.PATH));
    const [stat, fs] = [out(STATX_BYTES), out(STATFS_BYTES)];
    call(kernel, statx(place.fd, '', stat));
    call(kernel, fstatfs(place.fd, fs));
    if (typeOf(stat) !== S.IFREG || isKernels(fs) || isFuse(fs)) return undefined;
    // The same file, whatever stands at its path by now.
    using file = opened(kernel, openat(AT.FDCWD, `/proc/self/fd/${place.fd}`, O.RDONLY | O.NONBLOCK | O.NOCTTY));
    const more = (offset: number, length: number): Uint8Array => {
      const into = out(length);
      return into.bytes.subarray(0, call(kernel, pread(file.fd, into, offset)));
    };
    return use({ bytes: more(0, HEADER_BYTES), size: sizeOf(stat), more });
  } catch {
    return undefined;
  }
}
