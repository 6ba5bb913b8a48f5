/** An /etc/passwd that does not fit into the first look: some images have thousands of users. */

import { close, openat, read } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, result } from '../../native/kernel/struct.ts';
import { openInRoot } from '../paths/in-root.ts';
import { homeOf } from './environment.ts';

const READ_BYTES = 64 * 1024;
/** Some 100,000 users. An image could hold a file without end, or a line. */
const LARGEST_BYTES = 16 << 20;
/** As runc has it. */
const LONGEST_LINE = 64 * 1024;

/**
 * The home directory of a uid; what comes after its line is not read. None where the file is more than passwd(5) knows: as
 * with runc a container starts all the same.
 * @param kernel of the init, whose root is the container's
 * @throws SyscallError
 */
export function homeInLargePasswd(kernel: Kernel, uid: number): string | undefined {
  const [, fd = -1] = perform(kernel, [
    openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY),
    openInRoot(result(0), '/etc/passwd', O.RDONLY | O.NONBLOCK),
    close(result(0)),
  ]);
  try {
    const decoder = new TextDecoder();
    let line = '';
    for (let total = 0; ; ) {
      const bytes = out(READ_BYTES);
      const length = call(kernel, read(fd, bytes));
      const text = line + decoder.decode(bytes.bytes.subarray(0, length), { stream: length > 0 });
      const end = length === 0 ? text.length : text.lastIndexOf('\n') + 1;
      const home = homeOf(text.slice(0, end), uid);
      if (home !== undefined || length === 0) return home;
      line = text.slice(end);
      total += length;
      if (total >= LARGEST_BYTES || line.length > LONGEST_LINE) return undefined;
    }
  } finally {
    attempt(kernel, close(fd));
  }
}
