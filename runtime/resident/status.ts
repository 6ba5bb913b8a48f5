/** What a resident server says of itself: `serve --status`. */

import { doing, EffectError } from '../../effects/error.ts';
import { readSmallFile } from '../../effects/paths/proc.ts';
import { isReadableWithin } from '../../native/calls/poll.ts';
import { accept, connectUnix, receive, sendAtOnce, socket } from '../../native/calls/sockets.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt, call, isErrno } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { placeBeside } from './place.ts';
import type { RunningEngine } from './start-engine.ts';

export interface EngineStatus {
  readonly pid: Pid;
  /** It answers when it is asked: nobody's command is under way. */
  readonly idle: boolean;
  /** Of this engine so far; absent where it is busy. */
  readonly commands?: number;
  readonly refused?: number;
  /** Proportional set size, in bytes. */
  readonly memory?: number;
}

export interface ServerStatus {
  readonly pid: Pid;
  /** RFC 3339. */
  readonly since: string;
  readonly socket: string;
  readonly idle: number;
  readonly busy: number;
  /** How many commands its engines have performed since the server began, those that are gone as well. */
  readonly commands: number;
  /** How many engines are gone, and were replaced. */
  readonly replaced: number;
  /** Of the server and its engines, in bytes (proportional set size). */
  readonly memory: number;
  readonly engines: readonly EngineStatus[];
}

/** An engine that has nothing to do answers at once. */
const ENGINE_MS = 100;
const STATUS_BYTES = 64 * 1024;

/** What is told of a server. */
interface Told {
  readonly since: Date;
  readonly socket: string;
  readonly engines: readonly RunningEngine[];
  readonly gone: GoneEngines;
}

/** The engines of a server that are gone: how many they were, and how many commands they have performed. */
export interface GoneEngines {
  count: number;
  commands: number;
}

/** Answers one who asks. It is not waited for. */
export function tellStatus(kernel: Kernel, listener: Fd, { since, socket, engines, gone }: Told): void {
  const connection = attempt(kernel, accept(listener));
  if (connection < 0) return;
  using owned = new Owned(kernel, connection);
  const told = engines.map((engine) => engineStatus(kernel, engine));
  const own = memoryOf(kernel, 'self');
  const status: ServerStatus = {
    pid: process.pid,
    since: since.toISOString(),
    socket,
    idle: told.filter(({ idle }) => idle).length,
    busy: told.filter(({ idle }) => !idle).length,
    commands: engines.reduce((sum, engine) => sum + (engine.told?.commands ?? 0), gone.commands),
    replaced: gone.count,
    memory: [own, ...told.map(({ memory }) => memory)].reduce<number>((sum, one) => sum + (one ?? 0), 0),
    engines: told,
  };
  attempt(kernel, sendAtOnce(owned.fd, new TextEncoder().encode(`${JSON.stringify(status, null, 2)}\n`)));
}

export function engineStatus(kernel: Kernel, engine: RunningEngine): EngineStatus {
  const { pid, control } = engine;
  // An answer that came too late is another question's.
  hearReports(kernel, engine);
  attempt(kernel, sendAtOnce(control.fd, new Uint8Array(1)));
  const idle = isReadableWithin(kernel, control.fd, ENGINE_MS) && hearReports(kernel, engine);
  const memory = memoryOf(kernel, pid);
  const seen = { pid, idle, ...(memory === undefined ? {} : { memory }) };
  if (!idle || engine.told === undefined) return seen;
  const { commands, refused } = engine.told;
  return { ...seen, commands, refused };
}

/** Reads what an engine has told, and keeps the last of it. @returns whether there was something */
export function hearReports(kernel: Kernel, engine: RunningEngine): boolean {
  const answer = out(1024);
  for (let heard = false; ; heard = true) {
    const length = attempt(kernel, receive(engine.control.fd, answer));
    if (length <= 0) return heard;
    engine.told = JSON.parse(new TextDecoder().decode(answer.bytes.subarray(0, length)));
  }
}

/** smaps_rollup (proc_pid_smaps(5)). @returns undefined where the process is gone */
function memoryOf(kernel: Kernel, pid: Pid | 'self'): number | undefined {
  try {
    const [, kilobytes] = /^Pss: +(\d+) kB/m.exec(readSmallFile(kernel, `/proc/${pid}/smaps_rollup`)) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

/** Asks the server that serves beside this engine. @returns its status as JSON @throws EffectError */
export function askStatus(kernel: Kernel): string {
  const { status } = placeBeside(kernel, process.execPath);
  return doing(`ask the server at ${status}`, () => {
    using connection = opened(kernel, socket(AF.UNIX, SOCK.STREAM));
    try {
      call(kernel, connectUnix(connection.fd, status));
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ECONNREFUSED'))
        throw new EffectError('no server runs; start one with runchart serve');
      throw error;
    }
    let text = '';
    const answer = out(STATUS_BYTES);
    for (;;) {
      const length = call(kernel, { name: 'read', args: [connection.fd, answer, answer.bytes.length] });
      if (length === 0) return text;
      text += new TextDecoder().decode(answer.bytes.subarray(0, length));
    }
  });
}
