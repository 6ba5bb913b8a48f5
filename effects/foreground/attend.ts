/**
 * The long wait of a foreground command: from the start of the container's process to its end. It is a step of its own,
 * which another process could take over: all that it needs is handed in, and what follows is decided elsewhere.
 */

import { POLL } from '../../native/constants/socket.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';
import type { Platform } from '../../native/platform.ts';
import type { Reaper } from '../running/wait.ts';
import { BriefWait } from './brief-wait.ts';
import type { Stream } from './stream.ts';

export interface Attendance {
  /** Of the container's process, a child of this one. */
  readonly pidfd: Fd;
  readonly reaper: Reaper;
  /** What comes from the caller. It is dropped when the process has ended. */
  readonly inputs: readonly Stream[];
  /** What comes from the container. What is there when the process has ended is still copied. */
  readonly outputs: readonly Stream[];
  /** Whether the outputs are copied for as long as anybody holds them open: what the process has left running, say. */
  readonly awaitsWriters: boolean;
  /** Settles when somebody tells the command to end while it still copies what a process that is gone has left. */
  readonly abandoned: Promise<void>;
}

/** @returns the exit status @throws EffectError, SyscallError */
export async function attend(platform: Platform, attendance: Attendance): Promise<number> {
  const { pidfd, reaper, inputs, outputs, awaitsWriters, abandoned } = attendance;
  let status: number | undefined;
  let isGivenUp = false;
  const givenUp = abandoned.then(() => {
    isGivenUp = true;
    return [];
  });
  const brief = new BriefWait(platform.local);
  for (;;) {
    const drains = status !== undefined && !awaitsWriters;
    if (drains) for (const output of outputs) output.advance(true);
    const live = [...(status === undefined ? inputs : []), ...outputs].filter((stream) => !stream.done);
    if (status !== undefined && (isGivenUp || live.length === 0)) return status;
    const parts = live.map((stream) => stream.awaited);
    const awaited: PollRequest[] = parts.flat();
    if (status === undefined) awaited.push({ fd: pidfd, events: POLL.IN });
    // Once nobody writes to the sources, only the sinks are worth waiting for.
    const timeout = drains && live.some((stream) => !stream.stalled) ? 0 : -1;
    const wait = () => platform.poll(awaited, timeout);
    // Before the status is known this must not end the wait: the loop would turn round without end.
    const briefly = brief.poll(awaited);
    const ready = briefly ?? (await (status === undefined ? wait() : Promise.race([wait(), givenUp])));
    let at = 0;
    live.forEach((stream, i) => {
      const own = ready.slice(at, at + (parts[i]?.length ?? 0));
      at += own.length;
      stream.proceed(own);
    });
    if (briefly === undefined && ready.slice(0, at).some(Boolean)) brief.renew();
    if (status === undefined && ready[at]) status = reaper.exitStatus();
  }
}
