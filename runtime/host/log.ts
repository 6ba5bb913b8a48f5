/**
 * The log, in runc's two formats: engines show the text, and containerd reads the last error of a JSON log file. An
 * error goes to the log file and, as bare text, to standard error. Without a log file, standard error is the log.
 */

import { doing } from '../../effects/error.ts';
import { close, openat } from '../../native/calls/files.ts';
import { getTermios, TERMIOS_BYTES } from '../../native/calls/terminal.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { tryWriteAll } from './output.ts';

export type LogFormat = 'text' | 'json';
type LogLevel = 'debug' | 'info' | 'warning' | 'error';

interface LogOptions {
  /** Absolute path of the log file. By default the log goes to standard error. */
  readonly file?: string;
  readonly format: LogFormat;
  readonly debug: boolean;
  /** The time now, in RFC 3339 with seconds. */
  now(): string;
}

/** Further members of a line of the JSON log, for log collectors: engines read the message alone. */
export interface Facts {
  readonly phase?: string | undefined;
  readonly syscall?: string | undefined;
  readonly errno?: string | undefined;
  readonly path?: string | undefined;
  readonly hint?: string | undefined;
}

export interface Log {
  readonly debugging: boolean;
  /** Logs what ends a command. @param facts what the JSON log has beside the message */
  error(message: string, facts?: Facts): void;
  warn(message: string): void;
  debug(message: string): void;
  /** Closes the log file: for a process that goes on. */
  close(): void;
}

const STDERR = 2;
const FILE_MODE = 0o644;

/** @throws Error of one line where the log file cannot be opened */
export function openLog(kernel: Kernel, { file, format, debug, now }: LogOptions): Log {
  const fd = file === undefined ? STDERR : openFile(kernel, file);

  function log(level: LogLevel, message: string, facts?: Facts): void {
    tryWriteAll(kernel, fd, lineFor()(level, message, now(), facts));
  }

  /** Not asked for before there is a line to write: most commands have nothing to say. */
  function lineFor(): typeof jsonLogLine {
    if (format === 'json') return jsonLogLine;
    return fd === STDERR && isTerminal(kernel, fd) ? terminalLogLine : textLogLine;
  }

  return {
    debugging: debug,
    error(message, facts) {
      log('error', message, facts);
      if (fd !== STDERR) tryWriteAll(kernel, STDERR, `${message}\n`);
    },
    warn: (message) => log('warning', message),
    debug(message) {
      if (debug) log('debug', message);
    },
    close() {
      if (fd !== STDERR) attempt(kernel, close(fd));
    },
  };
}

const openFile = (kernel: Kernel, file: string): Fd =>
  doing(`open the log ${file}`, () => call(kernel, openat(AT.FDCWD, file, O.CREAT | O.WRONLY | O.APPEND, FILE_MODE)));

const isTerminal = (kernel: Kernel, fd: Fd): boolean => attempt(kernel, getTermios(fd, out(TERMIOS_BYTES))) === 0;

/** `{"level":"error","msg":"…","time":"…"}`, with the members in this order, and then the facts that are known. */
export const jsonLogLine = (level: LogLevel, msg: string, time: string, facts: Facts = {}): string => {
  const { phase, syscall, errno, path, hint } = facts;
  return `${JSON.stringify({ level, msg, time, phase, syscall, errno, path, hint })}\n`;
};

/** `time="…" level=error msg="…"`. */
export const textLogLine = (level: LogLevel, message: string, time: string): string =>
  `time=${quoted(time)} level=${level} msg=${quoted(message)}\n`;

const COLOURS: Record<LogLevel, number> = { debug: 37, info: 36, warning: 33, error: 31 };

/** A line for a person: `ERRO` in red, then the message. */
const terminalLogLine = (level: LogLevel, message: string): string =>
  `\x1b[${COLOURS[level]}m${level.toUpperCase().slice(0, 4)}\x1b[0m ${message.replaceAll('\n', ' ')}\n`;

/** Quotes a text as logrus and Go's %q do, and only where quotes are needed. */
function quoted(text: string): string {
  if (/^[A-Za-z0-9\-._/@^+]*$/.test(text)) return text;
  return JSON.stringify(text).replace(/\\u00([01][0-9a-f])/g, '\\x$1');
}
