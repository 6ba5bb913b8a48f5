/** Freezes a container's processes and thaws them again, by the v1 freezer or by v2's cgroup.freeze. */

import { sleep } from '../../native/calls/sleep.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, CgroupFileError, isGone } from './error.ts';
import { readText, tryRead, tryWrite, writeText } from './files.ts';
import { regaining } from './regain.ts';
import { type Visitor, walkCgroups } from './walk.ts';

/** The cgroup by which a container is frozen. */
interface Freezer {
  readonly kind: 'v1' | 'v2';
  readonly directory: string;
}

/** @returns undefined where the container has no such cgroup */
function freezerOf({ layout, paths }: CgroupRecord): Freezer | undefined {
  // Only a cgroup whose members are the container's for sure. On a hybrid host that is the v1 freezer's.
  if (layout === 'v2') return paths.unified === undefined ? undefined : { kind: 'v2', directory: paths.unified };
  if (paths.freezer !== undefined) return { kind: 'v1', directory: paths.freezer };
  return paths.unified === undefined ? undefined : { kind: 'v2', directory: paths.unified };
}

/** The same of a container that has to have one. @throws CgroupError in runc's words */
function neededFreezer(record: CgroupRecord): Freezer {
  const freezer = freezerOf(record);
  if (!freezer) throw new CgroupError('cannot toggle freezer: cgroups not configured for container');
  return freezer;
}

/** Freezes all processes and waits until they stand still. @throws CgroupError; then they run on */
export function freeze(kernel: Kernel, record: CgroupRecord): void {
  const { kind, directory } = neededFreezer(record);
  regaining(kernel, record, () => (kind === 'v2' ? freezeUnified : freezeLegacy)(kernel, directory));
}

/** Lets all processes run on. @throws CgroupError */
export function thaw(kernel: Kernel, record: CgroupRecord): void {
  const { kind, directory } = neededFreezer(record);
  const [file, value] = kind === 'v2' ? ['cgroup.freeze', '0'] : ['freezer.state', 'THAWED'];
  regaining(kernel, record, () => writeText(kernel, `${directory}/${file}`, value));
}

/**
 * Thaws a container whose processes were sent SIGKILL. On v1 a frozen process does not die of it. It may be frozen in a
 * cgroup that the container made below its own, and that one is not thawed together with the container's. On v2 frozen
 * processes die all the same.
 * @throws CgroupError
 */
export function thawDying(kernel: Kernel, record: CgroupRecord): void {
  const freezer = freezerOf(record);
  if (freezer?.kind === 'v2' && isFrozen(kernel, record)) thaw(kernel, record);
  if (freezer?.kind !== 'v1') return;
  const thawBelow: Visitor = {
    enter(directory, below) {
      const frozen = tryRead(kernel, 'freezer.self_freezing', 1, directory);
      const failed = frozen === '1\n' ? tryWrite(kernel, 'freezer.state', 'THAWED', directory) : Number(frozen);
      if (failed < 0 && !isGone(failed))
        throw new CgroupFileError(`thaw a cgroup in ${freezer.directory}`, freezer.directory, -failed);
      return below;
    },
  };
  regaining(kernel, record, () => walkCgroups(kernel, freezer.directory, thawBelow));
}

/**
 * Whether the container is frozen by its own cgroup; one above it does not count. A missing cgroup is not frozen.
 * @throws CgroupFileError
 */
export function isFrozen(kernel: Kernel, record: CgroupRecord): boolean {
  const freezer = freezerOf(record);
  if (!freezer) return false;
  const file = freezer.kind === 'v2' ? 'cgroup.freeze' : 'freezer.self_freezing';
  return regaining(kernel, record, () => {
    const text = tryRead(kernel, `${freezer.directory}/${file}`);
    if (typeof text === 'string') return text.trim() === '1';
    if (isGone(text)) return false;
    throw new CgroupFileError(`read ${freezer.directory}/${file}`, freezer.directory, -text);
  });
}

// runc's figures. While new processes keep appearing in a v1 cgroup, only many attempts can freeze it.
const V1_ATTEMPTS = 1000;
const V1_THAW_EVERY = 50;
const V1_PAUSE_EVERY = 25;

function freezeLegacy(kernel: Kernel, directory: string): void {
  const file = `${directory}/freezer.state`;
  try {
    for (let attempt = 1; attempt <= V1_ATTEMPTS; attempt++) {
      if (attempt % V1_THAW_EVERY === 0) {
        tryWrite(kernel, file, 'THAWED');
        sleep(kernel, 10);
      }
      writeText(kernel, file, 'FROZEN');
      if (attempt % V1_PAUSE_EVERY === 0) sleep(kernel, 0.01);
      const state = readText(kernel, file).trim();
      if (state === 'FROZEN') return;
      if (state !== 'FREEZING') throw new CgroupError(`unexpected state ${state} while freezing`);
    }
    throw new CgroupError(`unable to freeze ${directory}`);
  } catch (error) {
    // A half frozen cgroup is worse than one that runs.
    tryWrite(kernel, file, 'THAWED');
    throw error;
  }
}

const V2_POLLS = 1000;
const V2_POLL_MS = 10;

function freezeUnified(kernel: Kernel, directory: string): void {
  const file = `${directory}/cgroup.freeze`;
  writeText(kernel, file, '1');
  for (let poll = 0; poll < V2_POLLS; poll++) {
    if (/^frozen 1$/m.test(readText(kernel, `${directory}/cgroup.events`))) return;
    // Somebody who ends the container meanwhile thaws it. To wait would be in vain.
    if (poll > 0 && readText(kernel, file).trim() !== '1')
      throw new CgroupError('unexpected state THAWED while freezing');
    // Most processes freeze at once.
    sleep(kernel, poll < 10 ? 0.1 : V2_POLL_MS);
  }
  tryWrite(kernel, file, '0');
  throw new CgroupError(`timeout of ${(V2_POLLS * V2_POLL_MS) / 1000} s reached waiting for ${directory} to freeze`);
}
