/** `--trace`: a platform whose every system call is written down, whoever performs it. */

import { openat } from '../native/calls/files.ts';
import { AT, O } from '../native/constants/files.ts';
import { loadLibc } from '../native/libc.ts';
import { localKernel } from '../native/local.ts';
import { call, SyscallError } from '../native/perform.ts';
import { hostPlatform, type Platform } from '../native/platform.ts';
import { recordingKernel } from '../native/recording.ts';
import { traceFormat, traceWriter } from '../native/trace/writer.ts';
import { tryWriteAll } from './output.ts';

const STDERR = 2;
const FILE_MODE = 0o644;

/**
 * @param file absolute, or `-` for standard error
 * @throws Error, of one line, where the file can't be written
 */
export function tracedPlatform(file: string): Platform {
  const libc = loadLibc();
  // A kernel of its own: writing the trace is no part of what is traced.
  const writer = localKernel(libc);
  const fd = file === '-' ? STDERR : openTrace();
  const sink = traceWriter(traceFormat(file), (lines) => tryWriteAll(writer, fd, lines));
  return hostPlatform((kernel) => recordingKernel(kernel, sink), libc);

  function openTrace(): number {
    try {
      return call(writer, openat(AT.FDCWD, file, O.CREAT | O.WRONLY | O.TRUNC | O.APPEND, FILE_MODE));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new Error(`open the trace ${file}: ${error.message.slice('openat: '.length)}`, { cause: error });
    }
  }
}
