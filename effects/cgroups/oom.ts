/** A watch over the kernel's out-of-memory killer in a container's cgroup. */

import { faccessat2, openat, pread, read, write } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { doing, EffectError } from '../error.ts';

interface OomWatch {
  readonly awaited: readonly PollRequest[];
  /**
   * To be called once what is awaited is ready.
   * @returns whether memory ran out since the last look, and whether the cgroup is gone, or (v2) empty
   */
  look(): { readonly oom: boolean; readonly gone: boolean };
  close(): void;
}

/** @throws EffectError `memory controller missing` */
export function watchOom(local: Kernel, { layout, paths }: CgroupRecord): OomWatch {
  const directory = layout === 'v2' ? paths.unified : paths.memory;
  if (directory === undefined) throw new EffectError('memory controller missing');
  return doing(`watch ${directory} for lack of memory`, () =>
    layout === 'v2' ? watchUnified(local, directory) : watchLegacy(local, directory),
  );
}

const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
const eventfd: Call<Fd> = { name: 'eventfd2', args: [0, EFD_CLOEXEC | EFD_NONBLOCK] };

/**
 * Registers an eventfd in cgroup.event_control: kernel documentation, admin-guide/cgroup-v1/memory.rst, "OOM Control".
 */
function watchLegacy(local: Kernel, directory: string): OomWatch {
  const control = `${directory}/cgroup.event_control`;
  using state = opened(local, openat(AT.FDCWD, `${directory}/memory.oom_control`, O.RDONLY));
  using event = opened(local, eventfd);
  using registry = opened(local, openat(AT.FDCWD, control, O.WRONLY));
  call(local, write(registry.fd, `${event.fd} ${state.fd}`));
  const kept = keep(local, state, event);
  return {
    awaited: [{ fd: event.fd, events: POLL.IN }],
    look() {
      const count = out(8);
      const told = attempt(local, read(event.fd, count)) < 0 ? 0n : viewOf(count.bytes).getBigUint64(0, true);
      const gone = attempt(local, faccessat2(AT.FDCWD, control, 0)) === -ERRNO.ENOENT;
      // The kernel also counts the removal of the cgroup, once.
      return { oom: told > (gone ? 1n : 0n), gone };
    },
    close: () => closeAll(kept),
  };
}

/**
 * Waits for changes of memory.events and cgroup.events: poll(2) tells of them to whoever has read the files (kernel
 * documentation, admin-guide/cgroup-v2.rst).
 */
function watchUnified(local: Kernel, directory: string): OomWatch {
  using memory = opened(local, openat(AT.FDCWD, `${directory}/memory.events`, O.RDONLY));
  using state = opened(local, openat(AT.FDCWD, `${directory}/cgroup.events`, O.RDONLY));
  let seen = countIn(local, memory.fd, 'oom_kill') ?? 0;
  countIn(local, state.fd, 'populated');
  const kept = keep(local, memory, state);
  return {
    awaited: kept.map(({ fd }) => ({ fd, events: POLL.PRI })),
    look() {
      const now = countIn(local, memory.fd, 'oom_kill') ?? seen;
      const oom = now > seen;
      seen = now;
      return { oom, gone: countIn(local, state.fd, 'populated') !== 1 };
    },
    close: () => closeAll(kept),
  };
}

/** Takes descriptors over from the blocks that have opened them. */
const keep = (local: Kernel, ...owners: readonly Owned[]): readonly Owned[] =>
  owners.map((owner) => new Owned(local, owner.release()));

function closeAll(owners: readonly Owned[]): void {
  for (const owner of owners) owner[Symbol.dispose]();
}

/** @returns undefined where the cgroup is gone */
function countIn(local: Kernel, fd: Fd, name: string): number | undefined {
  const text = out(4096);
  const length = attempt(local, pread(fd, text, 0));
  if (length < 0) return undefined;
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(new TextDecoder().decode(text.bytes.subarray(0, length)))?.[1];
  return value === undefined ? undefined : Number(value);
}
