/** Word from the kernel that a container ran out of memory, for `events`: on v1 by an eventfd, on v2 by inotify(7). */

import { close, openat, read, write } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import type { Call, Kernel } from '../../native/kernel.ts';
import { attempt } from '../../native/perform.ts';
import { out } from '../../native/struct.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { CgroupError, tryRead } from './files.ts';

export interface OomWatch {
  /** Readable (poll(2)) when there is something to `take`. */
  readonly fd: number;
  /** How often processes were killed for want of memory since the last time, and whether the cgroup has come to its end. */
  take(): { readonly kills: number; readonly ended: boolean };
  /** Whoever watches ends it. */
  close(): void;
}

/** @throws CgroupError where there is no memory controller, or the kernel refuses */
export function watchOom(kernel: Kernel, { layout, paths }: CgroupRecord): OomWatch {
  if (layout === 'v2') return watchUnified(kernel, directoryOf(paths.unified));
  return watchLegacy(kernel, directoryOf(paths.memory));
}

function directoryOf(directory: string | undefined): string {
  if (directory === undefined) throw new CgroupError('cannot watch for OOM: the container has no memory cgroup', '', 0);
  return directory;
}

const eventfd: Call = { name: 'eventfd2', args: [0, O.CLOEXEC | O.NONBLOCK] };

/** Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control". */
function watchLegacy(kernel: Kernel, directory: string): OomWatch {
  const control = `${directory}/memory.oom_control`;
  const watch = `${directory}/cgroup.event_control`;
  const opened: number[] = [];
  const keep = (result: number): number => {
    if (result < 0) throw new CgroupError(`watch ${control}`, control, -result);
    opened.push(result);
    return result;
  };
  const closeAll = (): void => {
    for (const fd of opened.splice(0)) attempt(kernel, close(fd));
  };
  try {
    const fd = keep(attempt(kernel, eventfd));
    const file = keep(attempt(kernel, openat(AT.FDCWD, control, O.RDONLY)));
    const registrar = keep(attempt(kernel, openat(AT.FDCWD, watch, O.WRONLY)));
    const registered = attempt(kernel, write(registrar, `${fd} ${file}`));
    if (registered < 0) throw new CgroupError(`watch ${control}`, control, -registered);
    return {
      fd,
      take() {
        const counter = out(8);
        const count =
          attempt(kernel, read(fd, counter)) === 8
            ? Number(new DataView(counter.bytes.buffer).getBigUint64(0, true))
            : 0;
        // The end of a cgroup is told in the same way: the file is gone then.
        const ended = typeof tryRead(kernel, control) === 'number';
        return { kills: ended ? 0 : count, ended };
      },
      close: closeAll,
    };
  } catch (error) {
    closeAll();
    throw error;
  }
}

const IN_MODIFY = 2;

/** Documentation/admin-guide/cgroup-v2.rst: changes of memory.events and cgroup.events are file modified events. */
function watchUnified(kernel: Kernel, directory: string): OomWatch {
  const events = `${directory}/memory.events`;
  const state = `${directory}/cgroup.events`;
  const fd = attempt(kernel, { name: 'inotify_init1', args: [O.CLOEXEC | O.NONBLOCK] });
  if (fd < 0) throw new CgroupError(`watch ${events}`, events, -fd);
  for (const file of [events, state]) {
    const added = attempt(kernel, { name: 'inotify_add_watch', args: [fd, file, IN_MODIFY] });
    if (added >= 0) continue;
    attempt(kernel, close(fd));
    throw new CgroupError(`watch ${file}`, file, -added);
  }
  let before = killsOf(tryRead(kernel, events));
  return {
    fd,
    take() {
      // What the events say is told better by the files.
      const queue = out(4096);
      while (attempt(kernel, read(fd, queue)) > 0);
      const now = killsOf(tryRead(kernel, events));
      const kills = Math.max(0, now - before);
      before = Math.max(before, now);
      const text = tryRead(kernel, state);
      return { kills, ended: typeof text === 'number' || /^populated 0$/m.test(text) };
    },
    close: () => {
      attempt(kernel, close(fd));
    },
  };
}

const killsOf = (text: string | number): number =>
  typeof text === 'string' ? Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) : 0;
