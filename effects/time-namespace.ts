/** The clocks of a new time namespace (time_namespaces(7)). */

import { close, openat, write } from '../native/calls/files.ts';
import { prctl, unshare } from '../native/calls/process.ts';
import { AT, O } from '../native/constants/files.ts';
import { CLONE, PR } from '../native/constants/process.ts';
import type { Kernel } from '../native/kernel.ts';
import { attempt } from '../native/perform.ts';
import type { ContainerRecord } from '../spec/record.ts';
import type { TimeOffsets } from '../spec/types.ts';
import { makesNamespace } from './namespaces.ts';
import { PartedBatch } from './parted-batch.ts';

/** clock_gettime(2), uapi/linux/time.h. */
const CLOCKS = { monotonic: 1, boottime: 7 } as const;

/** A line for each clock: its number, seconds, nanoseconds. */
export const offsetsText = (offsets: TimeOffsets): string =>
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
 * Adds, for the stage: its children will be in the new namespace, it itself is not. The offsets can be set only until one is.
 */
export function addTimeNamespace(batch: PartedBatch, offsets: TimeOffsets): void {
  batch.add(unshare(CLONE.NEWTIME));
  batch.part('make a time namespace');
  const text = offsetsText(offsets);
  if (text === '') return;
  const file = batch.add(openat(AT.FDCWD, '/proc/self/timens_offsets', O.WRONLY));
  batch.add(write(file, text));
  batch.add(close(file));
  batch.part(`set the clocks of the time namespace to ${JSON.stringify(text.trim())}`);
}

/** The same by the init, which has to be dumpable to open its own file. @throws EffectError */
export function makeTimeNamespaceInside(init: Kernel, offsets: TimeOffsets): void {
  const batch = new PartedBatch();
  batch.add(prctl(PR.SET_DUMPABLE, 1));
  addTimeNamespace(batch, offsets);
  try {
    batch.perform(init);
  } finally {
    attempt(init, prctl(PR.SET_DUMPABLE, 0));
  }
}
