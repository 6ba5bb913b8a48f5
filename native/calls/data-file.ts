/** Files in memory, without a name: what a program reads, or writes, where a pipe would have to be emptied meanwhile. */

import { ERRNO } from '../constants/errno.ts';
import { MFD } from '../constants/files.ts';
import type { Call, Kernel } from '../kernel/kernel.ts';
import { attempt, call, perform } from '../kernel/perform.ts';
import { out } from '../kernel/struct.ts';
import { pread, write } from './files.ts';

/** A close-on-exec descriptor of a file with this content, at its beginning. @throws SyscallError */
export function dataFile(kernel: Kernel, name: string, content: string | Uint8Array = ''): number {
  const create = (flags: number): Call => ({ name: 'memfd_create', args: [name, MFD.CLOEXEC | flags] });
  // vm.memfd_noexec may demand it; before Linux 6.3 it is unknown.
  const first = attempt(kernel, create(MFD.NOEXEC_SEAL));
  const fd = first === -ERRNO.EINVAL ? call(kernel, create(0)) : first;
  if (fd < 0) return call(kernel, create(MFD.NOEXEC_SEAL));
  if (content.length > 0) perform(kernel, [write(fd, content), { name: 'lseek', args: [fd, 0, 0] }]);
  return fd;
}

/** The file's content, at most the first `limit` bytes. @throws SyscallError */
export function readDataFile(kernel: Kernel, fd: number, limit: number): Uint8Array {
  const size = call(kernel, { name: 'lseek', args: [fd, 0, SEEK_END] });
  if (size === 0) return new Uint8Array();
  const content = out(Math.min(size, limit));
  const length = call(kernel, pread(fd, content, 0));
  return content.bytes.subarray(0, length);
}

const SEEK_END = 2;
