/** A terminal for tests. Its master is read all the time, and what comes is kept. */

import { close, openat, read, write } from '../../native/calls/files.ts';
import { getTermios, setTermios, setWindowSize, TERMIOS_BYTES } from '../../native/calls/terminal.ts';
import { AT, O } from '../../native/constants/files.ts';
import { POLL, TIOC } from '../../native/constants/socket.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import { until } from './lives.ts';

/** Makes the program the leader of a session, with its standard input as the controlling terminal. */
export const AS_LEADER = ['setsid', '-c'];

export interface Pty {
  readonly master: number;
  /** The end for the program, which we close. The terminal does not end while we have it. */
  readonly slave: number;
  /** What has come out of it; each character is a byte. */
  output(): string;
  type(text: string): void;
  resize(rows: number, columns: number): void;
  /** The modes, as hexadecimal digits. */
  modes(): string;
  setModes(modes: string): void;
  /** Stops reading, so that the terminal fills up. */
  pause(): void;
  /** Reads what is left, and closes it. A second call does nothing. */
  end(): Promise<void>;
}

export function openPty(platform: Platform, { paused = false } = {}): Pty {
  const { local } = platform;
  const master = call(local, openat(AT.FDCWD, '/dev/ptmx', O.RDWR | O.NOCTTY | O.NONBLOCK));
  perform(local, [{ name: 'ioctl', args: [master, TIOC.SPTLCK, new Uint8Array(4)] }]);
  const slave = call(local, { name: 'ioctl', args: [master, TIOC.GPTPEER, O.RDWR | O.NOCTTY | 0o2000000] });
  const chunks: Buffer[] = [];
  let reading = !paused;
  let ending = false;
  let done = Promise.resolve();

  async function readOn(): Promise<void> {
    while (reading) {
      const bytes = out(65536);
      const length = attempt(local, read(master, bytes));
      if (length > 0) chunks.push(Buffer.from(bytes.bytes.slice(0, length)));
      // EIO means that nobody has the other end.
      else if (ending) return;
      else await platform.poll([{ fd: master, events: POLL.IN }], 20);
    }
  }
  if (reading) done = readOn();

  return {
    master,
    slave,
    output: () => Buffer.concat(chunks).toString('latin1'),
    type: (text) => perform(local, [write(master, text)]),
    resize(rows, columns) {
      const size = new Uint8Array(8);
      viewOf(size).setUint16(0, rows, true);
      viewOf(size).setUint16(2, columns, true);
      perform(local, [setWindowSize(master, size)]);
    },
    modes() {
      const termios = out(TERMIOS_BYTES);
      perform(local, [getTermios(slave, termios)]);
      return Buffer.from(termios.bytes).toString('hex');
    },
    setModes: (modes) => perform(local, [setTermios(slave, Buffer.from(modes, 'hex'))]),
    pause() {
      reading = false;
    },
    async end() {
      if (ending) return;
      ending = true;
      perform(local, [close(slave)]);
      await done;
      perform(local, [close(master)]);
    },
  };
}

/** Waits until the terminal has shown a text. */
export const shows = (pty: Pty, text: string | RegExp): Promise<void> =>
  until(`the terminal shows ${text}, but ${JSON.stringify(pty.output().slice(-500))}`, () =>
    typeof text === 'string' ? pty.output().includes(text) : text.test(pty.output()),
  );
