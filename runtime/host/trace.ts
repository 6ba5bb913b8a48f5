/**
 * `--trace`: writes down every system call, whoever performs it, every state that a machine comes to, every failure,
 * and how the command ended. docs/watch.md describes the lines.
 */

import { doing } from '../../effects/error.ts';
import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { call } from '../../native/kernel/perform.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { recordingKernel } from '../../native/performers/recording.ts';
import type { Platform } from '../../native/platform.ts';
import { epochSeconds } from '../../native/trace/time.ts';
import { stamp, stateText, type TraceFormat, traceFormat, traceWriter } from '../../native/trace/writer.ts';
import type { CallLine } from '../../spec/watch/lines.ts';
import { type Bare, inspection } from '../telling/inspection.ts';
import { type AboutCommand, beginning, ending, lineOf, runName, type Telling } from '../telling/teller.ts';
import { tryWriteAll } from './output.ts';

const STDERR = 2;
const FILE_MODE = 0o644;

export interface Trace extends Telling {
  /** A platform that writes down its calls. */
  readonly platform: Platform;
}

/**
 * @param file absolute path, or `-` for standard error. A file is appended to, as the log is: engines give all commands
 * of a container the same
 * @param called hears of the calls, too
 * @throws Error of one line where the file cannot be written
 */
export function openTrace(file: string, about: AboutCommand, called?: (line: CallLine) => void): Trace {
  const libc = loadLibc();
  // The trace is written by a kernel of its own, so that these writes do not show up in the trace.
  const writer = localKernel(libc);
  const fd = file === '-' ? STDERR : openFile(writer, file);
  const format = traceFormat(file);
  const run = runName(about.pid);
  const write = (lines: string) => tryWriteAll(writer, fd, lines);
  const tell = (line: Bare) => write(textOf(format, run, about.pid, line));
  const sink = traceWriter(format, run, write, called);
  tell(beginning(about));
  return {
    platform: hostPlatform((kernel, pid) => recordingKernel(kernel, sink, pid), libc),
    inspect: inspection(tell),
    warned: (message) => tell({ type: 'warning', message }),
    ended: (status, error, failure) => tell(ending(status, error, failure)),
  };
}

const openFile = (kernel: Kernel, file: string): Fd =>
  doing(`open the trace ${file}`, () => call(kernel, openat(AT.FDCWD, file, O.CREAT | O.WRONLY | O.APPEND, FILE_MODE)));

function textOf(format: TraceFormat, run: string, pid: number, line: Bare): string {
  if (format === 'json') return `${JSON.stringify(lineOf(run, line))}\n`;
  return stamp(epochSeconds(), pid) + plainText(line);
}

function plainText(line: Bare): string {
  if (line.type === 'state') return stateText(line.id, line.state);
  if (line.type === 'command') return `-- ${line.command}${line.id === undefined ? '' : ` ${line.id}`}\n`;
  if (line.type === 'failure') return `-- ${line.id}: ${line.during} failed: ${oneLine(line.message)}\n`;
  if (line.type === 'warning') return `-- warning: ${oneLine(line.message)}\n`;
  if (line.type === 'end')
    return `-- exit status ${line.status}${line.error === undefined ? '' : `: ${oneLine(line.error)}`}\n`;
  return '';
}

/** A message may hold the output of a hook. */
const oneLine = (message: string): string => JSON.stringify(message).slice(1, -1);
