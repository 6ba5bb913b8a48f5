/** The terminal that the caller sits at, while the container has it: raw, and back again. */

import { openat } from '../../native/calls/files.ts';
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
import type { Fd } from '../../native/kernel/numbers.ts';
import { type Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { doing, EffectError, reasonOf } from '../error.ts';

export interface HostTerminal {
  /**
   * To be called again after this process was stopped: the shell has put its own modes back meanwhile.
   * @throws EffectError
   */
  enterRaw(): void;
  /** Gives the terminal back the modes that were found. Does nothing where it never was raw. */
  restore(): void;
  /** Gives another terminal the size of this one. Does nothing where this one has no size, or is gone. */
  copySizeTo(master: Fd): void;
  close(): void;
}

/**
 * Finds the first of standard error, output and input that is a terminal, or else the controlling one: any of them may
 * have been redirected.
 * @throws EffectError where there is none
 */
export function openHostTerminal(local: Kernel, stdio: readonly [stdin: Fd, stdout: Fd, stderr: Fd]): HostTerminal {
  const [input, output, error] = stdio;
  const modes = out(TERMIOS_BYTES);
  const standard = [error, output, input].find((fd) => attempt(local, getTermios(fd, modes)) >= 0);
  if (standard !== undefined) return terminalOf(local, standard, modes.bytes, () => undefined);
  const controlling = openControlling(local);
  try {
    perform(local, [getTermios(controlling.fd, modes)]);
  } catch (failed) {
    controlling[Symbol.dispose]();
    throw failed;
  }
  return terminalOf(local, controlling.fd, modes.bytes, () => controlling[Symbol.dispose]());
}

function openControlling(local: Kernel): Owned {
  try {
    return opened(local, openat(AT.FDCWD, '/dev/tty', O.RDWR | O.NOCTTY));
  } catch (error) {
    throw new EffectError(
      'a container with a terminal needs one here: no standard descriptor is a terminal, ' +
        `and open /dev/tty: ${reasonOf(error)}; ` +
        'use --detach with --console-socket, or set process.terminal to false',
      { cause: error },
    );
  }
}

function terminalOf(local: Kernel, fd: Fd, original: Uint8Array, release: () => void): HostTerminal {
  let isRaw = false;
  return {
    enterRaw() {
      isRaw = true;
      doing('set the terminal to raw mode', () => call(local, setTermios(fd, rawInput(original))));
    },
    restore() {
      if (isRaw) attempt(local, setTermios(fd, original));
      isRaw = false;
    },
    copySizeTo(master) {
      const size = out(WINSIZE_BYTES);
      if (attempt(local, getWindowSize(fd, size)) >= 0 && hasSize(size.bytes))
        attempt(local, setWindowSize(master, size.bytes));
    },
    close: release,
  };
}
