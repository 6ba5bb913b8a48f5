/** The clocks of a new time namespace (time_namespaces(7)). */

import { close, type FdArg, openat, write } from '../../native/calls/files.ts';
import { prctl, unshare } from '../../native/calls/process.ts';
import { AT, O } from '../../native/constants/files.ts';
import { CLONE, PR } from '../../native/constants/process.ts';
import type { Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { TimeOffsets } from '../../spec/types.ts';
import { PartedBatch } from '../batch.ts';
import { openOwnFile, openProcfs } from '../paths/procfs.ts';
import { makesNamespace } from './plan.ts';

/** clock_gettime(2), uapi/linux/time.h. */
const CLOCKS = { monotonic: 1, boottime: 7 } as const;

/** The text for timens_offsets: for each clock a line with its number, seconds and nanoseconds. */
const offsetsText = (offsets: TimeOffsets): string =>
  (['monotonic', 'boottime'] as const)
    .flatMap((clock) => {
      const offset = offsets[clock];
      return offset === undefined ? [] : [`${CLOCKS[clock]} ${offset.secs ?? 0} ${offset.nanosecs ?? 0}\n`];
    })
    .join('');

/**
 * Whether the init has to make the time namespace, in its user namespace: a user without privileges may not make it
 * outside. The init enters it when it executes the container's program (since Linux 6.1).
 */
export const makesTimeInside = ({ config, owner }: ContainerRecord): boolean =>
  owner !== 0 && makesNamespace(config, 'time') && makesNamespace(config, 'user');

/**
 * Adds the call that opens the performer's file of offsets, while /proc is the host's. In a mount namespace that is
 * joined later it could be anything (CVE-2025-52881).
 * @returns its descriptor; undefined if there are no offsets to write
 */
export function addOpenOffsets(batch: PartedBatch, offsets: TimeOffsets): ResultRef<Fd> | undefined {
  if (offsetsText(offsets) === '') return undefined;
  const file = batch.add(openat(AT.FDCWD, '/proc/self/timens_offsets', O.WRONLY));
  batch.part(OPENING);
  return file;
}

const OPENING = 'open the offsets of the time namespace';

/**
 * Adds the calls that make the namespace and set its clocks. The performer's children will be in it; the performer
 * itself is not. The clocks can be set only until somebody is in it.
 * @param file the file of offsets, open; not used if there are no offsets
 */
export function addTimeNamespace(batch: PartedBatch, file: FdArg, offsets: TimeOffsets): void {
  batch.add(unshare(CLONE.NEWTIME));
  batch.part('make a time namespace');
  const text = offsetsText(offsets);
  if (text === '') return;
  batch.add(write(file, text));
  batch.add(close(file));
  batch.part(`set the clocks of the time namespace to ${JSON.stringify(text.trim())}`);
}

/** The init makes the namespace itself. To open its own file it has to be dumpable meanwhile. @throws EffectError */
export function makeTimeNamespaceInside(init: Kernel, offsets: TimeOffsets): void {
  const batch = new PartedBatch();
  batch.add(prctl(PR.SET_DUMPABLE, 1));
  using procfs = new Owned(init, openProcfs(init));
  const file = batch.add(openOwnFile(procfs.fd, 'timens_offsets', O.WRONLY));
  batch.part(OPENING);
  addTimeNamespace(batch, file, offsets);
  try {
    batch.perform(init);
  } finally {
    attempt(init, prctl(PR.SET_DUMPABLE, 0));
  }
}
