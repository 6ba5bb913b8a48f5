/** A watch over the kernel's out-of-memory killer in a container's cgroup. */

import { close, faccessat2, openat, pread, read, write } from '../../native/calls/files.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
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

/** Kernel documentation, admin-guide/cgroup-v1/memory.rst, "OOM Control": an eventfd, registered in cgroup.event_control. */
function watchLegacy(local: Kernel, directory: string): OomWatch {
  const control = `${directory}/cgroup.event_control`;
  const opened: number[] = [];
  const open = (one: Call): number => {
    const fd = call(local, one);
    opened.push(fd);
    return fd;
  };
  const closeAll = (): void => {
    for (const fd of opened.splice(0)) attempt(local, close(fd));
  };
  try {
    const state = open(openat(AT.FDCWD, `${directory}/memory.oom_control`, O.RDONLY));
    const event = open({ name: 'eventfd2', args: [0, EFD_CLOEXEC | EFD_NONBLOCK] });
    const registry = open(openat(AT.FDCWD, control, O.WRONLY));
    perform(local, [write(registry, `${event} ${state}`)]);
    return {
      awaited: [{ fd: event, events: POLL.IN }],
      look() {
        const count = out(8);
        const told = attempt(local, read(event, count)) < 0 ? 0n : viewOf(count.bytes).getBigUint64(0, true);
        const gone = attempt(local, faccessat2(AT.FDCWD, control, 0)) === -ERRNO.ENOENT;
        // The removal of a cgroup is told too, once.
        return { oom: told > (gone ? 1n : 0n), gone };
      },
      close: closeAll,
    };
  } catch (error) {
    closeAll();
    throw error;
  }
}

/** Kernel documentation, admin-guide/cgroup-v2.rst: a change of these files is told by poll(2), to whoever has read them. */
function watchUnified(local: Kernel, directory: string): OomWatch {
  const opened: number[] = [];
  const open = (name: string): number => {
    const fd = call(local, openat(AT.FDCWD, `${directory}/${name}`, O.RDONLY));
    opened.push(fd);
    return fd;
  };
  const closeAll = (): void => {
    for (const fd of opened.splice(0)) attempt(local, close(fd));
  };
  try {
    const memory = open('memory.events');
    const state = open('cgroup.events');
    let seen = countIn(local, memory, 'oom_kill') ?? 0;
    countIn(local, state, 'populated');
    return {
      awaited: [memory, state].map((fd) => ({ fd, events: POLL.PRI })),
      look() {
        const now = countIn(local, memory, 'oom_kill') ?? seen;
        const oom = now > seen;
        seen = now;
        return { oom, gone: countIn(local, state, 'populated') !== 1 };
      },
      close: closeAll,
    };
  } catch (error) {
    closeAll();
    throw error;
  }
}

/** undefined where the cgroup is gone. */
function countIn(local: Kernel, fd: number, name: string): number | undefined {
  const text = out(4096);
  const length = attempt(local, pread(fd, text, 0));
  if (length < 0) return undefined;
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(new TextDecoder().decode(text.bytes.subarray(0, length)))?.[1];
  return value === undefined ? undefined : Number(value);
}
