/** Calls on terminals (ioctl_tty(2)). */

import { TC, TIOC } from '../constants/socket.ts';
import type { Call, Out } from '../kernel/kernel.ts';
import type { FdArg } from './files.ts';

/** The kernel's struct termios, the same on x86-64 and arm64. The C library's is longer. */
export const TERMIOS_BYTES = 36;
export const WINSIZE_BYTES = 8;

const ioctl = (fd: FdArg, request: number, argument: Uint8Array | Out): Call => ({
  name: 'ioctl',
  args: [fd, request, argument],
});

/** It fails with ENOTTY where the descriptor is not a terminal. */
export const getTermios = (fd: FdArg, into: Out): Call => ioctl(fd, TC.GETS, into);
/** Sets the modes at once. If the process is in the background, the kernel stops it by SIGTTOU instead. */
export const setTermios = (fd: FdArg, termios: Uint8Array): Call => ioctl(fd, TC.SETS, termios);
export const getWindowSize = (fd: FdArg, into: Out): Call => ioctl(fd, TIOC.GWINSZ, into);
/** Sets the size. If it changes, the terminal's foreground process group gets SIGWINCH. */
export const setWindowSize = (fd: FdArg, size: Uint8Array): Call => ioctl(fd, TIOC.SWINSZ, size);
