/** `--trace`: a platform whose every system call is written down, whoever performs it, and the states that they lead to. */

import { placeOf } from '../../machines/place.ts';
import { openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { call, SyscallError } from '../../native/kernel/perform.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { recordingKernel } from '../../native/performers/recording.ts';
import type { Platform } from '../../native/platform.ts';
import { stateLine, traceFormat, traceWriter } from '../../native/trace/writer.ts';
import type { LifecycleChange } from '../container/container.ts';
import { tryWriteAll } from './output.ts';

const STDERR = 2;
const FILE_MODE = 0o644;

export interface Trace {
  readonly platform: Platform;
  /** Writes down where a lifecycle machine has got to. */
  onChange(change: LifecycleChange): void;
}

/**
 * @param file absolute, or `-` for standard error
 * @throws Error, of one line, where the file can't be written
 */
export function openTrace(file: string): Trace {
  const libc = loadLibc();
  // A kernel of its own: writing the trace is no part of what is traced.
  const writer = localKernel(libc);
  const fd = file === '-' ? STDERR : open();
  const format = traceFormat(file);
  const write = (lines: string) => tryWriteAll(writer, fd, lines);
  const sink = traceWriter(format, write);
  return {
    platform: hostPlatform((kernel) => recordingKernel(kernel, sink), libc),
    onChange: ({ id, value }) => write(stateLine(format, id, placeOf(value), performance.now() / 1000)),
  };

  function open(): number {
    try {
      return call(writer, openat(AT.FDCWD, file, O.CREAT | O.WRONLY | O.TRUNC | O.APPEND, FILE_MODE));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new Error(`open the trace ${file}: ${error.message.slice('openat: '.length)}`, { cause: error });
    }
  }
}
