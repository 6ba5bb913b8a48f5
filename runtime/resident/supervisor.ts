/**
 * `serve`: holds the socket, and keeps engines at it. It does nothing of a command itself. Engines that end are
 * replaced: at once, or after a pause where they end as soon as they have begun.
 */

import { EffectError, reasonOf } from '../../effects/error.ts';
import { reapIfEnded } from '../../effects/running/wait.ts';
import { chdir, openat } from '../../native/calls/files.ts';
import { AT, O } from '../../native/constants/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { OwnedStack, opened } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';
import type { Platform } from '../../native/platform.ts';
import type { Context } from '../container/context.ts';
import { endingSignals } from './ended.ts';
import { placeBeside } from './place.ts';
import { collectGarbage, letGoOfCode } from './rest.ts';
import { listenOn, openPlace, removeSocket, takeListener } from './socket.ts';
import { replaceSpares } from './spare.ts';
import { type RunningEngine, startEngine } from './start-engine.ts';
import { type GoneEngines, hearReports, tellStatus } from './status.ts';

export interface ServeOptions {
  readonly engines: number;
  /** An engine is replaced after so many commands, … */
  readonly commands: number;
  /** … or when it is larger than this, in bytes. */
  readonly memory: number;
}

/** An engine that ends sooner did not come up. */
const TOO_SOON_MS = 2000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** Once its engines are up, the server itself has nothing to do but to tell how it is. */
const REST_MS = 2000;

/** One place for an engine. */
interface Seat {
  engine: RunningEngine | undefined;
  /** How long to wait before the next one, and since when. */
  pause: number;
  notBefore: number;
}

/**
 * Serves until a signal tells it to end. Then no more commands are taken; those that are under way come to their end.
 * It waits without the turns that Bun takes each second: those would have much of the program in memory.
 * @throws EffectError
 */
export function supervise(context: Context, options: ServeOptions): void {
  const { platform, host } = context;
  const { local } = platform;
  if (host.uid !== 0) throw new EffectError('serve: only root can serve commands of root');
  const listening = passedListener(host);
  const at = placeBeside(local, process.execPath);
  // The file system of the directory that it was started in is not to be kept busy.
  attempt(local, chdir('/'));
  using held = new OwnedStack();
  held.use(openPlace(local, at));
  const listener = held.use(listening === undefined ? listenOn(local, at.socket) : takeListener(local, listening));
  const status = held.use(listenOn(local, at.status));
  const nothing = held.use(opened(local, openat(AT.FDCWD, '/dev/null', O.RDWR)));
  const seats: Seat[] = Array.from({ length: options.engines }, () => ({ engine: undefined, pause: 0, notBefore: 0 }));
  const since = new Date();
  const gone: GoneEngines = { count: 0, commands: 0 };
  const ending = held.use(endingSignals(local));
  let hasRested = false;
  try {
    for (;;) {
      const wait = fill(context, seats, () => startEngine(platform, nothing.fd, listener.fd, options));
      const heard = seats.flatMap(({ engine }) => (engine ? [engine.pidfd.fd, engine.control.fd] : []));
      const awaited = [ending.fd, status.fd, ...heard];
      const ready = platform.libc().pollHere(
        awaited.map((fd): PollRequest => ({ fd, events: POLL.IN })),
        hasRested || wait >= 0 ? wait : REST_MS,
      );
      if (ready[0]) return;
      const isIdle = ready.every((one) => one === 0);
      if (isIdle && !hasRested) {
        collectGarbage();
        letGoOfCode(local, process.execPath);
      }
      hasRested = isIdle;
      for (const seat of seats) vacate(context, seat, gone);
      const engines = seats.flatMap(({ engine }) => engine ?? []);
      replaceSpares(local, engines);
      if (ready[1]) tellStatus(local, status.fd, { since, socket: at.socket, engines, gone });
    }
  } finally {
    if (listening === undefined) removeSocket(local, at.socket);
    removeSocket(local, at.status);
    endAll(platform, seats);
  }
}

/** The first descriptor that systemd passes (sd_listen_fds(3)). */
const LISTEN_FDS_START = 3;

/** The socket that systemd listens on for this server; by default the server makes its own. */
const passedListener = ({ env, pid }: Context['host']): Fd | undefined =>
  Number(env.LISTEN_PID) === pid && Number(env.LISTEN_FDS) >= 1 ? LISTEN_FDS_START : undefined;

/** Starts engines where there is none. @returns in how many milliseconds the next one may be started; -1: none is */
function fill({ warn }: Context, seats: readonly Seat[], start: () => RunningEngine): number {
  const now = performance.now();
  let soonest = Infinity;
  for (const seat of seats) {
    if (seat.engine !== undefined) continue;
    if (now >= seat.notBefore) {
      try {
        seat.engine = start();
        continue;
      } catch (error) {
        warn(`start an engine: ${reasonOf(error)}`);
        postpone(seat, now);
      }
    }
    soonest = Math.min(soonest, seat.notBefore - now);
  }
  return soonest === Infinity ? -1 : Math.max(1, Math.ceil(soonest));
}

function postpone(seat: Seat, now: number): void {
  seat.pause = Math.min(LONGEST_PAUSE_MS, seat.pause === 0 ? FIRST_PAUSE_MS : seat.pause * 2);
  seat.notBefore = now + seat.pause;
}

/** Takes an engine that has ended off its seat. */
function vacate({ platform: { local }, warn }: Context, seat: Seat, gone: GoneEngines): void {
  const { engine } = seat;
  const exited = engine && reapIfEnded(local, engine.pid);
  if (engine === undefined || exited === undefined) return;
  seat.engine = undefined;
  hearReports(local, engine);
  gone.count++;
  gone.commands += engine.told?.commands ?? 0;
  engine.control[Symbol.dispose]();
  engine.pidfd[Symbol.dispose]();
  if (exited.status === 0) {
    seat.pause = 0;
    seat.notBefore = 0;
    return;
  }
  const now = performance.now();
  warn(`engine ${engine.pid} ended with status ${exited.status}; another one takes its place`);
  if (now - engine.since < TOO_SOON_MS) postpone(seat, now);
  else seat.pause = 0;
}

/** Lets engines end, each after what it is at. */
function endAll(platform: Platform, seats: readonly Seat[]): void {
  for (const { engine } of seats) engine?.control[Symbol.dispose]();
  for (const { engine } of seats) {
    if (engine === undefined) continue;
    platform.libc().pollHere([{ fd: engine.pidfd.fd, events: POLL.IN }], -1);
    reapIfEnded(platform.local, engine.pid);
    engine.pidfd[Symbol.dispose]();
  }
}
