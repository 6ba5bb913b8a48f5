/** The clocks of a new time namespace (time_namespaces(7)). */

import { close, type FdArg, openat, write } from '../../native/calls/files.ts';
import { prctl, unshare } from '../../native/calls/process.ts';
import { AT, O } from '../../native/constants/files.ts';
import { CLONE, PR } from '../../native/constants/process.ts';
import type { Kernel, ResultRef } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import type { TimeOffsets } from '../../spec/types.ts';
import { PartedBatch } from '../batch.ts';
import { openOwnFile, openProcfs } from '../paths/procfs.ts';
import { makesNamespace } from './plan.ts';

/** clock_gettime(2), uapi/linux/time.h. */
const CLOCKS = { monotonic: 1, boottime: 7 } as const;

/** A line for each clock: its number, seconds, nanoseconds. */
const offsetsText = (offsets: TimeOffsets): string =>
  (['monotonic', 'boottime'] as const)
    .flatMap((clock) => {
      const offset = offsets[clock];
      return offset === undefined ? [] : [`${CLOCKS[clock]} ${offset.secs ?? 0} ${offset.nanosecs ?? 0}\n`];
    })
    .join('');

/**
 * Whether the init has to make it, in its user namespace: a user without privileges may not do so outside. It enters it when it
 * executes the program (since Linux 6.1).
 */
export const makesTimeInside = ({ config, owner }: ContainerRecord): boolean =>
  owner !== 0 && makesNamespace(config, 'time') && makesNamespace(config, 'user');

/**
 * Adds: opens the performer's file of offsets, while /proc is the host's. In a mount namespace that is joined later it could be
 * anything (CVE-2025-52881).
 * @returns its descriptor; undefined where there is nothing to write
 */
export function addOpenOffsets(batch: PartedBatch, offsets: TimeOffsets): ResultRef | undefined {
  if (offsetsText(offsets) === '') return undefined;
  const file = batch.add(openat(AT.FDCWD, '/proc/self/timens_offsets', O.WRONLY));
  batch.part(OPENING);
  return file;
}

const OPENING = 'open the offsets of the time namespace';

/**
 * Adds: its children will be in the new namespace, it itself is not. The offsets can be set only until one is.
 * @param file of the offsets, where there are any
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

/** The same by the init, which has to be dumpable to open its own file. @throws EffectError */
export function makeTimeNamespaceInside(init: Kernel, offsets: TimeOffsets): void {
  const batch = new PartedBatch();
  batch.add(prctl(PR.SET_DUMPABLE, 1));
  const procfs = openProcfs(init);
  const file = batch.add(openOwnFile(procfs, 'timens_offsets', O.WRONLY));
  batch.part(OPENING);
  addTimeNamespace(batch, file, offsets);
  try {
    batch.perform(init);
  } finally {
    attempt(init, close(procfs));
    attempt(init, prctl(PR.SET_DUMPABLE, 0));
  }
}
