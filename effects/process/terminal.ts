/**
 * Gives the process a terminal of the container's own devpts instance. The terminal's master goes over a socket to
 * whoever asked for it. Its other end becomes the standard descriptors, and /dev/console.
 */

import { close, dup3, fstatfs, mknodat, openat, STATFS_BYTES } from '../../native/calls/files.ts';
import { moveMount, openTree } from '../../native/calls/mounts.ts';
import { sendDescriptors } from '../../native/calls/sockets.ts';
import { AT, FS_MAGIC, O, S } from '../../native/constants/files.ts';
import { TIOC } from '../../native/constants/socket.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Call, Kernel, Memory } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { opened } from '../../native/kernel/owned.ts';
import { call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { ConsoleSize } from '../../spec/types.ts';
import { doing, EffectError } from '../error.ts';
import { openInRoot } from '../paths/in-root.ts';

const ioctl = <Result extends number>(fd: Fd, request: number, argument: number | Memory): Call<Result> => ({
  name: 'ioctl',
  args: [fd, request, argument],
});

interface TerminalOptions {
  /** In the init: a socket whose other end expects the master. It is closed here. */
  readonly consoleSocket: Fd;
  readonly size: ConsoleSize | undefined;
  /** Mount it on /dev/console, too: for a container's first process, not for those of `exec`. */
  readonly console: boolean;
}

/** @param kernel a session leader without a terminal, after pivot_root. @throws EffectError */
export function giveTerminal(kernel: Kernel, { consoleSocket, size, console }: TerminalOptions): void {
  doing('set up the terminal', () => {
    using root = opened(kernel, openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
    using master = opened(kernel, openInRoot(root.fd, '/dev/pts/ptmx', O.RDWR | O.NOCTTY));
    requireDevpts(kernel, master.fd);
    const unlock = new Uint8Array(4);
    call(kernel, ioctl(master.fd, TIOC.SPTLCK, unlock));
    // // By the master itself, never by the name /dev/pts/N: the image chooses what is mounted there (CVE-2025-52565).
    using terminal = opened(kernel, ioctl<Fd>(master.fd, TIOC.GPTPEER, O.RDWR | O.NOCTTY | O.CLOEXEC));
    if (size !== undefined && size.height !== 0 && size.width !== 0)
      call(kernel, ioctl(master.fd, TIOC.SWINSZ, windowSize(size)));
    if (console) mountConsole(kernel, root.fd, terminal.fd);
    perform(kernel, [
      sendDescriptors(consoleSocket, [master.fd], new TextEncoder().encode('/dev/ptmx')),
      dup3(terminal.fd, 0),
      dup3(terminal.fd, 1),
      dup3(terminal.fd, 2),
      ioctl(0, TIOC.SCTTY, 0),
      // Closed in this batch, and not by their owners: that saves three round trips.
      close(terminal.release()),
      close(master.release()),
      close(root.release()),
      close(consoleSocket),
    ]);
  });
}

function windowSize({ height, width }: ConsoleSize): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setUint16(0, Number(height), true);
  viewOf(bytes).setUint16(2, Number(width), true);
  return bytes;
}

function requireDevpts(kernel: Kernel, fd: Fd): void {
  const into = out(STATFS_BYTES);
  call(kernel, fstatfs(fd, into));
  if (viewOf(into.bytes).getUint32(0, true) !== FS_MAGIC.DEVPTS)
    throw new EffectError('/dev/pts/ptmx of the container is not on a devpts file system: mount one on /dev/pts');
}

function mountConsole(kernel: Kernel, root: Fd, terminal: Fd): void {
  const batch = new Batch();
  const dev = batch.add(openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
  batch.try(mknodat(dev, 'console', S.IFREG | 0o666));
  // The image may have a symlink in its place, which is not followed.
  const target = batch.add(openInRoot(dev, 'console', O.PATH | O.NOFOLLOW));
  const mount = batch.add(openTree(terminal, '', { clone: true }));
  batch.add(moveMount(mount, target));
  for (const fd of [mount, target, dev]) batch.add(close(fd));
  perform(kernel, batch.calls);
}
