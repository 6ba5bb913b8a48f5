/** The terminal that the caller sits at, while the container has it: raw, and back again. */

import { close, openat } from '../../native/calls/files.ts';
import {
  getTermios,
  getWindowSize,
  setTermios,
  setWindowSize,
  TERMIOS_BYTES,
  WINSIZE_BYTES,
} from '../../native/calls/terminal.ts';
import { hasSize, rawInput } from '../../native/calls/termios.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, perform, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { EffectError, reasonOf } from '../error.ts';

export interface HostTerminal {
  /** May be called again: after the process was stopped, the shell has put its own modes back. @throws EffectError */
  enterRaw(): void;
  /** Back to the modes that were found. Nothing happens where it never was raw. */
  restore(): void;
  /** Gives another terminal the size of this one. What has no size, or is gone, gives none. */
  copySizeTo(master: number): void;
  close(): void;
}

/**
 * The first of standard error, output and input that is a terminal, or else the controlling one: any of them may have been redirected.
 * @throws EffectError where there is none
 */
export function openHostTerminal(local: Kernel, stdio: readonly [number, number, number]): HostTerminal {
  const [input, output, error] = stdio;
  const found = out(TERMIOS_BYTES);
  const standard = [error, output, input].find((fd) => attempt(local, getTermios(fd, found)) >= 0);
  if (standard !== undefined) return terminalOf(local, standard, found.bytes, () => undefined);
  const opening = openat(AT.FDCWD, '/dev/tty', O.RDWR | O.NOCTTY);
  const fd = attempt(local, opening);
  if (fd < 0)
    throw new EffectError(
      `a container with a terminal needs one here: no standard descriptor is a terminal, and open /dev/tty: ${reasonOf(new SyscallError(opening, -fd))}; use --detach with --console-socket, or set process.terminal to false`,
    );
  perform(local, [getTermios(fd, found)]);
  return terminalOf(local, fd, found.bytes, () => attempt(local, close(fd)));
}

function terminalOf(local: Kernel, fd: number, original: Uint8Array, release: () => void): HostTerminal {
  let raw = false;
  return {
    enterRaw() {
      raw = true;
      const call = setTermios(fd, rawInput(original));
      const done = attempt(local, call);
      if (done < 0) throw new EffectError(`set the terminal to raw mode: ${reasonOf(new SyscallError(call, -done))}`);
    },
    restore() {
      if (raw) attempt(local, setTermios(fd, original));
      raw = false;
    },
    copySizeTo(master) {
      const size = out(WINSIZE_BYTES);
      if (attempt(local, getWindowSize(fd, size)) >= 0 && hasSize(size.bytes))
        attempt(local, setWindowSize(master, size.bytes));
    },
    close: release,
  };
}
