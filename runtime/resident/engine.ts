/**
 * An engine that stays: it takes one command at a time from the server's socket, and performs it for the caller that
 * has sent it. The supervisor (supervisor.ts) has started it, and replaces it.
 */

import { setTimeout } from 'node:timers/promises';
import type { DevicePolicy } from '../../effects/cgroups/devices/policy.ts';
import { DevicePrograms } from '../../effects/cgroups/devices/programs.ts';
import { EPOLL, epollAdd, epollCreate, epollWait } from '../../native/calls/epoll.ts';
import { duplicateAbove, openat } from '../../native/calls/files.ts';
import { SIGINFO_BYTES, waitid } from '../../native/calls/process.ts';
import { receive, sendAtOnce } from '../../native/calls/sockets.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, O } from '../../native/constants/files.ts';
import { P, W } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, u64s } from '../../native/kernel/struct.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { tryWriteAll } from '../host/output.ts';
import { admission } from './admission.ts';
import { type Front, type Surroundings, serveOne } from './command.ts';
import { closeBelow, OWN_FROM, watchBelow } from './descriptors.ts';
import { collectGarbage, letGoOfCode } from './rest.ts';
import { loadAhead } from './warm-up.ts';

/** What the supervisor tells an engine, as one word of its environment: numbers with colons between. */
export interface Orders {
  /** The socket that clients connect to. It does not block. */
  readonly listener: Fd;
  /** The other end is the supervisor's. Its end is the end of this engine, once that has nothing to do. */
  readonly control: Fd;
  /** The engine ends after so many commands, … */
  readonly commands: number;
  /** … or when it has become larger than this, in bytes. */
  readonly memory: number;
}

export const ORDERS = 'RUNCHART_RESIDENT';

export const ordersAsText = ({ listener, control, commands, memory }: Orders): string =>
  [listener, control, commands, memory].join(':');

export function ordersIn(text: string): Orders {
  const [listener = -1, control = -1, commands = 1, memory = 0] = text.split(':').map(Number);
  return { listener, control, commands, memory };
}

/** What an engine tells the supervisor when it is asked, and at its end. */
export interface EngineReport {
  readonly pid: number;
  readonly commands: number;
  /** Those that it has left to their callers. */
  readonly refused: number;
  /** It has had nothing to do for so long that it may be spared. It says so unasked. */
  readonly spare: boolean;
}

/** Takes commands until it is told to end, is used up, or is not as it was before a command. */
export async function serveCommands(orders: Orders, front: Front): Promise<void> {
  const libc = loadLibc();
  const kernel = localKernel(libc);
  ignoreEndingSignals(kernel);
  await Promise.all([loadAhead(), front.loadAhead()]);
  // What the engine opens once shall lie above what commands open.
  await setTimeout(1);
  const nothing = call(kernel, openat(AT.FDCWD, '/dev/null', O.RDWR));
  const errors = call(kernel, duplicateAbove(2, OWN_FROM));
  const epoll = call(kernel, epollCreate());
  perform(kernel, [
    epollAdd(epoll, orders.listener, EPOLL.IN | EPOLL.EXCLUSIVE),
    epollAdd(epoll, orders.control, EPOLL.IN),
  ]);
  const around: Surroundings = {
    libc,
    kernel,
    admit: admission(kernel, process.execPath),
    nothing,
    front,
    devicePrograms: new OwnPrograms(kernel),
  };
  closeBelow(kernel);
  const isAsBefore = watchBelow();
  const waits = [PAUSE_MS, REST_MS, SPARE_MS].map((milliseconds) => epollWait(epoll, milliseconds));
  const forever = epollWait(epoll);
  let rested = 0;
  const accepting = { name: 'accept4', args: [orders.listener, null, null, SOCK.CLOEXEC] } as const;
  let [commands, refused] = [0, 0];
  const report = (): void => tell(kernel, orders.control, { pid: process.pid, commands, refused, spare: rested > 2 });
  const rests = [collectGarbage, () => letGoOfCode(kernel, process.execPath), report] as const;
  // Whoever asks later how many commands the server has performed gets those of this engine as well.
  using _last = { [Symbol.dispose]: report };
  for (;;) {
    const { call: wait, readyIn } = waits[rested] ?? forever;
    const count = attempt(kernel, wait);
    if (count === 0) rests[rested++]?.();
    const ready = readyIn(count);
    if (ready.includes(orders.control)) {
      // Nothing comes where the supervisor is gone, or wants this engine to end.
      if (attempt(kernel, receive(orders.control, out(1))) <= 0) return;
      report();
    }
    const connection = ready.includes(orders.listener) ? attempt(kernel, accepting) : -1;
    if (connection < 0) continue;
    rested = 0;
    try {
      if (await serveOne(around, connection)) commands++;
      else refused++;
    } catch (error) {
      // Its state is unknown now. The caller hears that its engine is gone.
      tryWriteAll(kernel, errors, `runchart: engine ${process.pid}: ${error instanceof Error ? error.stack : error}\n`);
      process.exitCode = 1;
      return;
    }
    if (!isAsBefore(kernel) || hasChildren(kernel) || commands >= orders.commands) return;
    if (commands % LOOK_EVERY === 0 && process.memoryUsage.rss() > orders.memory) return;
    if (commands % TURN_EVERY === 0) await setTimeout(0);
  }
}

/** Device programs that outlive a command: what an engine holds lies above what a command opens. */
class OwnPrograms extends DevicePrograms {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    super(kernel);
    this.#kernel = kernel;
  }

  override get(policy: DevicePolicy, load: () => Fd): Fd {
    return super.get(policy, () => {
      const loaded = load();
      if (loaded < 0) return loaded;
      using low = new Owned(this.#kernel, loaded);
      return attempt(this.#kernel, duplicateAbove(low.fd, OWN_FROM));
    });
  }
}

/** All that a command starts is the caller's child. */
const hasChildren = (kernel: Kernel): boolean =>
  attempt(kernel, waitid(P.ALL, 0, out(SIGINFO_BYTES), W.EXITED | W.NOHANG | W.NOWAIT)) !== -ERRNO.ECHILD;

/** So often the engine's own affairs have their turn: timers, say. */
const TURN_EVERY = 16;

/** So often an engine looks how large it is. */
const LOOK_EVERY = 64;

const tell = (kernel: Kernel, control: Fd, report: EngineReport): void =>
  void attempt(kernel, sendAtOnce(control, new TextEncoder().encode(JSON.stringify(report))));

/** When nothing has come for so long, there is time to clean up; … */
const PAUSE_MS = 1000;
/** … and after so much more, memory is worth more than the time of the next command. */
const REST_MS = 20_000;
/** After so much more, the server asks whether it needs this engine. */
const SPARE_MS = 40_000;

const SIG_IGN = 1;

/** They go to all of a service at once. The supervisor ends its engines, each after what it is at. */
function ignoreEndingSignals(kernel: Kernel): void {
  const action = u64s(SIG_IGN, 0, 0, 0);
  for (const signal of [SIGNALS.SIGHUP, SIGNALS.SIGINT, SIGNALS.SIGTERM])
    attempt(kernel, { name: 'rt_sigaction', args: [signal, action, null, 8] });
}
