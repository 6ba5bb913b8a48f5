/**
 * What a process is, as far as it matters for who is served. An engine asks it of each caller: so the calls and their
 * memory are made once, and what comes is compared as bytes.
 */

import { close, openat, read, readlinkat, STATX_BYTES, statx } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { Batch } from '../../native/kernel/batch.ts';
import type { Call, Kernel, Out } from '../../native/kernel/kernel.ts';
import { out } from '../../native/kernel/struct.ts';

const NAMESPACES = ['mnt', 'pid', 'user', 'net', 'ipc', 'uts', 'cgroup', 'time'] as const;
const LINK_BYTES = 64;
const STATUS_BYTES = 4096;
const LABEL_BYTES = 256;

/** Memory that the next question writes to again. */
export interface Identity {
  /** What the links in /proc/PID/ns say. */
  readonly namespaces: readonly Out[];
  /** Its root directory, and its program. */
  readonly root: Out;
  readonly program: Out;
  readonly label: Out;
  /** The text of /proc/PID/status (proc_pid_status(5)). */
  readonly status: string;
}

/** @returns a function that asks who a process is, and answers undefined where it is gone */
export function identification(kernel: Kernel): (path: string) => Identity | undefined {
  const namespaces = NAMESPACES.map(() => out(LINK_BYTES));
  const [root, program] = [out(STATX_BYTES), out(STATX_BYTES)];
  const [status, label] = [out(STATUS_BYTES), out(LABEL_BYTES)];
  const batch = new Batch();
  const directory = batch.add(openat(AT.FDCWD, '', O.PATH | O.DIRECTORY));
  NAMESPACES.forEach((name, i) => {
    batch.try(readlinkat(directory, `ns/${name}`, namespaces[i] ?? out(LINK_BYTES)));
  });
  batch.add(statx(directory, 'root', root, 0));
  batch.add(statx(directory, 'exe', program, 0));
  const statusFile = batch.add(openat(directory, 'status', O.RDONLY));
  const length = batch.add(read(statusFile, status));
  batch.add(close(statusFile));
  const labelFile = batch.try(openat(directory, 'attr/current', O.RDONLY));
  batch.try(read(labelFile, label));
  batch.try(close(labelFile));
  const { calls } = batch;
  return (path) => {
    calls[directory.index] = openat(AT.FDCWD, path, O.PATH | O.DIRECTORY);
    const { results, stoppedAt } = kernel.submit(calls);
    const fd = results[directory.index] ?? -1;
    if (fd >= 0) kernel.submit([{ ...close(fd), mayFail: true } satisfies Call]);
    if (stoppedAt !== undefined) return undefined;
    const text = Buffer.from(status.bytes.buffer, status.bytes.byteOffset, results[length.index]).toString('latin1');
    return { namespaces, root, program, label, status: text };
  };
}

/** The same, to be kept. */
export const copyOf = ({ namespaces, root, program, label, status }: Identity): Identity => ({
  namespaces: namespaces.map(copied),
  root: copied(root),
  program: copied(program),
  label: copied(label),
  status,
});

const copied = ({ kind, bytes }: Out): Out => ({ kind, bytes: bytes.slice() });

/** A field of the text of /proc/PID/status; empty where there is none. */
export function statusField(status: string, name: string): string {
  const at = status.indexOf(`\n${name}:\t`);
  if (at < 0) return '';
  const start = at + name.length + 3;
  return status.slice(start, status.indexOf('\n', start));
}
