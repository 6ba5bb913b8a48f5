/** `--trace`: writes down every system call, whoever performs it, and every state that a machine comes to. */

import { doing } from '../../effects/error.ts';
import { placeOf } from '../../machines/place.ts';
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
import { stateLine, traceFormat, traceWriter } from '../../native/trace/writer.ts';
import type { LifecycleChange } from '../container/container.ts';
import { tryWriteAll } from './output.ts';

const STDERR = 2;
const FILE_MODE = 0o644;

export interface Trace {
  /** A platform that writes down its calls. */
  readonly platform: Platform;
  /** Writes down the state that a container's machine comes to. */
  onChange(change: LifecycleChange): void;
}

/**
 * @param file absolute path, or `-` for standard error
 * @throws Error of one line where the file cannot be written
 */
export function openTrace(file: string): Trace {
  const libc = loadLibc();
  // The trace is written by a kernel of its own, so that these writes do not show up in the trace.
  const writer = localKernel(libc);
  const fd = file === '-' ? STDERR : openFile(writer, file);
  const format = traceFormat(file);
  const write = (lines: string) => tryWriteAll(writer, fd, lines);
  const sink = traceWriter(format, write);
  return {
    platform: hostPlatform((kernel) => recordingKernel(kernel, sink), libc),
    onChange: ({ id, value }) => write(stateLine(format, id, placeOf(value), performance.now() / 1000)),
  };
}

const openFile = (kernel: Kernel, file: string): Fd =>
  doing(`open the trace ${file}`, () =>
    call(kernel, openat(AT.FDCWD, file, O.CREAT | O.WRONLY | O.TRUNC | O.APPEND, FILE_MODE)),
  );
