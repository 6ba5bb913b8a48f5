/**
 * The log, in runc's two forms: engines show its text, and containerd reads the last error of a JSON log file.
 * With a log file, an error goes there and, bare, to standard error; without one, standard error is the log.
 */

import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, SyscallError } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { tryWriteAll } from './output.ts';

export type LogFormat = 'text' | 'json';
type LogLevel = 'debug' | 'info' | 'warning' | 'error';

interface LogOptions {
  /** Absolute path of the log file; standard error where absent. */
  readonly file?: string;
  readonly format: LogFormat;
  readonly debug: boolean;
  /** RFC 3339, seconds. */
  now(): string;
}

export interface Log {
  readonly debugging: boolean;
  /** What ends a command. */
  error(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
}

const STDERR = 2;
const FILE_MODE = 0o644;

/** @throws Error, of one line, where the log file can't be opened */
export function openLog(kernel: Kernel, { file, format, debug, now }: LogOptions): Log {
  const fd = file === undefined ? STDERR : openFile(kernel, file);

  function log(level: LogLevel, message: string): void {
    tryWriteAll(kernel, fd, lineFor()(level, message, now()));
  }

  /** Asked for with the first line: most commands have nothing to say. */
  function lineFor(): typeof textLine {
    if (format === 'json') return jsonLine;
    return fd === STDERR && isTerminal(kernel, fd) ? terminalLine : textLine;
  }

  return {
    debugging: debug,
    error(message) {
      log('error', message);
      if (fd !== STDERR) tryWriteAll(kernel, STDERR, `${message}\n`);
    },
    warn: (message) => log('warning', message),
    debug(message) {
      if (debug) log('debug', message);
    },
  };
}

function openFile(kernel: Kernel, file: string): number {
  try {
    return call(kernel, openat(AT.FDCWD, file, O.CREAT | O.WRONLY | O.APPEND, FILE_MODE));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new Error(`open the log ${file}: ${error.message.slice('openat: '.length)}`, { cause: error });
  }
}

const TCGETS = 0x5401;
const TERMIOS_BYTES = 60;

const isTerminal = (kernel: Kernel, fd: number): boolean =>
  attempt(kernel, { name: 'ioctl', args: [fd, TCGETS, out(TERMIOS_BYTES)] }) === 0;

/** `{"level":"error","msg":"…","time":"…"}`, members in this order. */
export const jsonLine = (level: LogLevel, msg: string, time: string): string =>
  `${JSON.stringify({ level, msg, time })}\n`;

/** `time="…" level=error msg="…"`. */
export const textLine = (level: LogLevel, message: string, time: string): string =>
  `time=${quoted(time)} level=${level} msg=${quoted(message)}\n`;

const COLOURS: Record<LogLevel, number> = { debug: 37, info: 36, warning: 33, error: 31 };

/** For a person: `ERRO` in red, then the message as it is. */
const terminalLine = (level: LogLevel, message: string): string =>
  `\x1b[${COLOURS[level]}m${level.toUpperCase().slice(0, 4)}\x1b[0m ${message.replaceAll('\n', ' ')}\n`;

/** As logrus and Go's %q: quotes only where they are needed. */
function quoted(text: string): string {
  if (/^[A-Za-z0-9\-._/@^+]*$/.test(text)) return text;
  return JSON.stringify(text).replace(/\\u00([01][0-9a-f])/g, '\\x$1');
}
