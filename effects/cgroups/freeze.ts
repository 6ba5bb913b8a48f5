/** A container's processes stopped and set going again, by the v1 freezer or v2's cgroup.freeze. */

import { ERRNO } from '../../native/constants/errno.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, readText, sleep, tryRead, tryWrite, writeError, writeText } from './files.ts';
import { regaining } from './regain.ts';
import { type Visitor, walkCgroups } from './walk.ts';

/** Where a container is frozen, and how: undefined where it has no such cgroup. */
type Freezer = { readonly kind: 'v1' | 'v2'; readonly directory: string } | undefined;

function freezerOf({ layout, paths }: CgroupRecord): Freezer {
  // Only the cgroup whose members are the container's for sure: on hybrid that is the v1 freezer's.
  if (layout === 'v2') return paths.unified === undefined ? undefined : { kind: 'v2', directory: paths.unified };
  if (paths.freezer !== undefined) return { kind: 'v1', directory: paths.freezer };
  return paths.unified === undefined ? undefined : { kind: 'v2', directory: paths.unified };
}

/** Freezes all processes and waits until they stand still. @throws CgroupError; then they go on */
export function freeze(kernel: Kernel, record: CgroupRecord): void {
  const freezer = freezerOf(record);
  if (!freezer) throw new CgroupError('cannot toggle freezer: cgroups not configured for container', '', 0);
  const { kind, directory } = freezer;
  regaining(kernel, record, () => (kind === 'v2' ? freezeUnified : freezeLegacy)(kernel, directory));
}

/** Sets all processes going again. @throws CgroupError */
export function thaw(kernel: Kernel, record: CgroupRecord): void {
  const freezer = freezerOf(record);
  if (!freezer) throw new CgroupError('cannot toggle freezer: cgroups not configured for container', '', 0);
  const [file, value] = freezer.kind === 'v2' ? ['cgroup.freeze', '0'] : ['freezer.state', 'THAWED'];
  regaining(kernel, record, () => writeText(kernel, `${freezer.directory}/${file}`, value));
}

/**
 * Lets those die who were sent SIGKILL: on v1 a frozen process does not. It may have been frozen in a cgroup that the container
 * made below its own, which is not thawed with it. On v2 the frozen die all the same.
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
      if (failed < 0 && failed !== -ERRNO.ENOENT && failed !== -ERRNO.ENODEV)
        throw new CgroupError(`thaw a cgroup in ${freezer.directory}`, freezer.directory, -failed);
      return below;
    },
  };
  regaining(kernel, record, () => walkCgroups(kernel, freezer.directory, thawBelow));
}

/** Whether the container was frozen by its own cgroup, rather than by one above it. A missing cgroup is not. */
export function isFrozen(kernel: Kernel, record: CgroupRecord): boolean {
  const freezer = freezerOf(record);
  if (!freezer) return false;
  const file = freezer.kind === 'v2' ? 'cgroup.freeze' : 'freezer.self_freezing';
  return regaining(kernel, record, () => {
    const text = tryRead(kernel, `${freezer.directory}/${file}`);
    if (typeof text === 'string') return text.trim() === '1';
    if (text === -ERRNO.ENOENT || text === -ERRNO.ENODEV) return false;
    throw new CgroupError(`read ${freezer.directory}/${file}`, freezer.directory, -text);
  });
}

// runc's figures: a v1 cgroup in which processes keep appearing is frozen by persistence only.
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
      if (state !== 'FREEZING') throw new CgroupError(`unexpected state ${state} while freezing`, file, 0);
    }
    throw new CgroupError(`unable to freeze ${directory}`, file, 0);
  } catch (error) {
    // A cgroup left half frozen is worse than one that runs.
    tryWrite(kernel, file, 'THAWED');
    throw error;
  }
}

const V2_POLLS = 1000;
const V2_POLL_MS = 10;

function freezeUnified(kernel: Kernel, directory: string): void {
  const file = `${directory}/cgroup.freeze`;
  const errno = -tryWrite(kernel, file, '1');
  if (errno > 0) throw writeError(file, '1', errno);
  for (let poll = 0; poll < V2_POLLS; poll++) {
    if (/^frozen 1$/m.test(readText(kernel, `${directory}/cgroup.events`))) return;
    // Who ends the container meanwhile has thawed it: it would be waited for in vain.
    if (poll > 0 && readText(kernel, file).trim() !== '1')
      throw new CgroupError('unexpected state THAWED while freezing', file, 0);
    // Most processes stand still at once.
    sleep(kernel, poll < 10 ? 0.1 : V2_POLL_MS);
  }
  tryWrite(kernel, file, '0');
  throw new CgroupError(
    `timeout of ${(V2_POLLS * V2_POLL_MS) / 1000} s reached waiting for ${directory} to freeze`,
    file,
    0,
  );
}
