/** A simulated world as a command acts in it, with the interface of the real platform. */

import { close } from '../../native/calls/files.ts';
import { socketpair } from '../../native/calls/sockets.ts';
import { POLL, SOCK } from '../../native/constants/socket.ts';
import { type Kernel, LostPeerError } from '../../native/kernel/kernel.ts';
import { perform } from '../../native/kernel/perform.ts';
import type { PollRequest } from '../../native/kernel/poll.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { Platform, Wrap } from '../../native/platform.ts';
import { WouldWaitForever } from './failure.ts';
import { inventory } from './inventory.ts';
import type { Process } from './processes.ts';
import type { World } from './world.ts';

export interface SimulatedPlatform extends Platform {
  /** The process of the command. */
  readonly runtime: Process;
  /**
   * What is there now, and was not when the platform was made, a line for each: the command's descriptors beyond the
   * first three, processes, zombies, mounts that the host sees, cgroups, files.
   */
  leaks(): readonly string[];
  /** Lets the command die at once. */
  kill(): void;
}

/** A new process of the host, in which a command runs. Each command has its own platform, as with the real one. */
export function simulatedPlatform(world: World, wrap: Wrap = (kernel) => kernel, name = 'runtime'): SimulatedPlatform {
  const runtime = world.startProcess(name);
  const before = new Set(inventory(world));
  const local = wrap(world.kernel(name, () => runtime));
  const kernelBehind = (socket: number, performer: string): Kernel =>
    wrap(world.kernel(performer, () => servedBy(world, runtime, socket, performer)));
  return {
    runtime,
    local,
    kernelBehind,
    libc() {
      throw new Error('a simulated platform has no C library');
    },
    libseccomp() {
      throw new Error('a simulated platform has no libseccomp');
    },
    spawnStage(descriptors, performer) {
      const pair = out(8);
      perform(local, [socketpair(SOCK.STREAM, pair)]);
      const connection = viewOf(pair.bytes).getInt32(0, true);
      const theirs = viewOf(pair.bytes).getInt32(4, true);
      const { pid } = world.spawn(runtime, [...descriptors, theirs], performer);
      local.submit([{ ...close(theirs), mayFail: true }]);
      return { pid, kernel: kernelBehind(connection, performer), connection, socket: descriptors.length };
    },
    async poll(descriptors, timeoutMs = -1) {
      for (;;) {
        const events = descriptors.map((request) => readiness(runtime, request));
        if (events.some((one) => one !== 0) || timeoutMs >= 0) return events;
        if (!world.advance()) throw new WouldWaitForever('poll would wait for ever');
      }
    },
    leaks: () =>
      runtime.state === 'alive'
        ? inventory(world).filter((line) => !before.has(line))
        : afterDeath(world, before, runtime),
    kill: () => world.kill(runtime),
  };
}

/** The process on the other end of a socket. @throws LostPeerError */
function servedBy(world: World, runtime: Process, fd: number, performer: string): Process {
  if (!runtime.descriptors.numbers().includes(fd)) throw new LostPeerError(performer);
  world.settle();
  const peer = runtime.descriptors.get(fd).socket?.peer;
  const found = world.processes.find(
    ({ serving, descriptors }) => serving?.socket !== undefined && descriptors.get(serving.socket).socket === peer,
  );
  if (found === undefined) {
    if (peer === undefined || peer.closed) throw new LostPeerError(performer);
    throw new WouldWaitForever(`nobody answers behind descriptor ${fd}: ${performer} is not waiting there`);
  }
  found.name = performer;
  return found;
}

function readiness(runtime: Process, { fd, events }: PollRequest): number {
  const { socket, process } = runtime.descriptors.get(fd);
  if (process !== undefined) return process.state === 'alive' ? 0 : events & POLL.IN;
  if (socket === undefined) return events & (POLL.IN | POLL.OUT);
  const hangUp = socket.queue === undefined && socket.atEnd ? POLL.HUP : 0;
  const readable = socket.inbox.length > 0 || (socket.queue?.length ?? 0) > 0 || hangUp !== 0;
  const writable = socket.peer !== undefined && !socket.peer.closed;
  return ((readable ? POLL.IN : 0) & events) | ((writable ? POLL.OUT : 0) & events) | hangUp;
}

const afterDeath = (world: World, before: ReadonlySet<string>, runtime: Process): readonly string[] =>
  inventory(world).filter((line) => !before.has(line) && !line.includes(` ${runtime.pid} (`));
