/**
 * The container's terminal, allocated from its own devpts instance: its master goes over a socket to whoever
 * asked for it, its other end becomes the standard descriptors and /dev/console.
 */

import { close, dup3, fstatfs, mknodat, openat, STATFS_BYTES } from '../../native/calls/files.ts';
import { moveMount, openTree } from '../../native/calls/mounts.ts';
import { sendDescriptors } from '../../native/calls/sockets.ts';
import { AT, FS_MAGIC, O, S } from '../../native/constants/files.ts';
import { TIOC } from '../../native/constants/socket.ts';
import type { Call, Kernel, Memory } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { ConsoleSize } from '../../spec/types.ts';
import { doing, EffectError } from '../error.ts';
import { openInRoot } from '../paths/in-root.ts';

const ioctl = (fd: number, request: number, argument: number | Memory): Call => ({
  name: 'ioctl',
  args: [fd, request, argument],
});

interface TerminalOptions {
  /** In the init: a socket whose other end expects the master. */
  readonly consoleSocket: number;
  readonly size: ConsoleSize | undefined;
  /** Mount it on /dev/console too: a container's first process, not those of `exec`. */
  readonly console: boolean;
}

/** To be performed after pivot_root, by a session leader without a terminal. @throws EffectError */
export function giveTerminal(kernel: Kernel, { consoleSocket, size, console }: TerminalOptions): void {
  doing('set up the terminal', () => {
    const root = call(kernel, openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
    const master = call(kernel, openInRoot(root, '/dev/pts/ptmx', O.RDWR | O.NOCTTY));
    requireDevpts(kernel, master);
    const unlock = new Uint8Array(4);
    perform(kernel, [ioctl(master, TIOC.SPTLCK, unlock)]);
    // By the master itself, never by the name /dev/pts/N: what is mounted there is the image's to choose (CVE-2025-52565).
    const terminal = call(kernel, ioctl(master, TIOC.GPTPEER, O.RDWR | O.NOCTTY | O.CLOEXEC));
    if (size !== undefined && size.height !== 0 && size.width !== 0)
      perform(kernel, [ioctl(master, TIOC.SWINSZ, windowSize(size))]);
    if (console) mountConsole(kernel, root, terminal);
    perform(kernel, [
      sendDescriptors(consoleSocket, [master], new TextEncoder().encode('/dev/ptmx')),
      dup3(terminal, 0),
      dup3(terminal, 1),
      dup3(terminal, 2),
      ioctl(0, TIOC.SCTTY, 0),
      close(terminal),
      close(master),
      close(consoleSocket),
      close(root),
    ]);
  });
}

function windowSize({ height, width }: ConsoleSize): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setUint16(0, Number(height), true);
  viewOf(bytes).setUint16(2, Number(width), true);
  return bytes;
}

function requireDevpts(kernel: Kernel, fd: number): void {
  const into = out(STATFS_BYTES);
  perform(kernel, [fstatfs(fd, into)]);
  if (viewOf(into.bytes).getUint32(0, true) !== FS_MAGIC.DEVPTS)
    throw new EffectError('/dev/pts/ptmx of the container is not on a devpts file system: mount one on /dev/pts');
}

function mountConsole(kernel: Kernel, root: number, terminal: number): void {
  const dev = call(kernel, openInRoot(root, '/dev', O.PATH | O.DIRECTORY));
  attempt(kernel, mknodat(dev, 'console', S.IFREG | 0o666));
  // Not through a symlink of the image's in its place.
  const target = call(kernel, openInRoot(dev, 'console', O.PATH | O.NOFOLLOW));
  const mount = call(kernel, openTree(terminal, '', { clone: true }));
  perform(kernel, [moveMount(mount, target), close(mount), close(target), close(dev)]);
}
