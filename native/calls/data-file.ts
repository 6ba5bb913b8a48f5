/**
 * Files in memory, without a name. A program reads its input from one, or writes its output to one, where nobody has
 * the time to serve a pipe.
 */

import { ERRNO } from '../constants/errno.ts';
import { MFD } from '../constants/files.ts';
import type { Call, Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { Owned } from '../kernel/owned.ts';
import { attempt, call, perform, succeeded } from '../kernel/perform.ts';
import { out } from '../kernel/struct.ts';
import { memfdCreate, pread, write } from './files.ts';

const SEEK_SET = 0;
const SEEK_END = 2;

const lseek = (fd: Fd, offset: number, whence: number): Call => ({ name: 'lseek', args: [fd, offset, whence] });

/**
 * A close-on-exec descriptor of a file with this content, at its beginning. The file cannot be made executable where
 * the kernel knows how to say so (since Linux 6.3): the sysctl vm.memfd_noexec may demand it.
 * @throws SyscallError
 */
export function dataFile(kernel: Kernel, name: string, content: string | Uint8Array = ''): Fd {
  const create = memfdCreate(name, MFD.CLOEXEC | MFD.NOEXEC_SEAL);
  const created = attempt(kernel, create);
  using file = new Owned(
    kernel,
    created === -ERRNO.EINVAL ? call(kernel, memfdCreate(name, MFD.CLOEXEC)) : succeeded(create, created),
  );
  if (content.length > 0) perform(kernel, [write(file.fd, content), lseek(file.fd, 0, SEEK_SET)]);
  return file.release();
}

/** The file's content, at most the first `limit` bytes. @throws SyscallError */
export const readDataFile = (kernel: Kernel, fd: Fd, limit: number): Uint8Array => readPart(kernel, fd, limit, () => 0);

/** The file's content, at most the last `limit` bytes. @throws SyscallError */
export const readDataEnd = (kernel: Kernel, fd: Fd, limit: number): Uint8Array =>
  readPart(kernel, fd, limit, (size) => Math.max(0, size - limit));

/** @param from the offset to read from, by the file's size */
function readPart(kernel: Kernel, fd: Fd, limit: number, from: (size: number) => number): Uint8Array {
  const size = call(kernel, lseek(fd, 0, SEEK_END));
  if (size === 0) return new Uint8Array();
  const content = out(Math.min(size, limit));
  const length = call(kernel, pread(fd, content, from(size)));
  return content.bytes.subarray(0, length);
}
