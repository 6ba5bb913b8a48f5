/** Brings the container's init into being: through a stage, in its cgroup and namespaces, serving batches. */

import { close, closeRange, dup3, openat } from '../native/calls/files.ts';
import { clone3, sethostname, setns, setsid, waitid } from '../native/calls/process.ts';
import { accept, bindUnix, listen, socket, socketpair } from '../native/calls/sockets.ts';
import { ERRNO } from '../native/constants/errno.ts';
import { AT, O } from '../native/constants/files.ts';
import { CLONE, P, W } from '../native/constants/process.ts';
import { AF, SOCK } from '../native/constants/socket.ts';
import type { Kernel } from '../native/kernel.ts';
import { attempt, call, perform } from '../native/perform.ts';
import { out, viewOf } from '../native/struct.ts';
import type { ContainerRecord, InitRecord } from '../spec/record.ts';
import { doing } from './error.ts';
import { makesNamespace, NAMESPACE_FLAGS, planNamespaces } from './namespaces.ts';
import { addLoopbackUp } from './network.ts';
import { PartedBatch } from './parted-batch.ts';
import { startTimeOf } from './proc.ts';
import { addSessionKeyring } from './process/keyring.ts';
import { connectedInit, type Session } from './session.ts';

/** The name of the socket in the container's directory on which a created init waits for `start`. */
export const START_SOCKET = 'start.sock';

/** The init's descriptors above its standard ones and those that it preserves, in this order. */
export interface InitDescriptors {
  readonly batches: number;
  readonly start: number;
  readonly console: number;
}

export function initDescriptors(preserveFds: number): InitDescriptors {
  const first = 3 + preserveFds;
  return { batches: first, start: first + 1, console: first + 2 };
}

/** Has a process move itself. @throws Error */
export type EnterCgroup = (stage: Kernel) => void;

/**
 * @param enterCgroup moves the stage into the container's cgroup, but for the v2 directory: the init is born there
 * @throws EffectError; the stage is gone then, and so is the init if there was one
 */
export function startInit(session: Session, record: ContainerRecord, enterCgroup: EnterCgroup): InitRecord {
  const { local } = session.platform;
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  const pair = out(8);
  doing('make a socket for the init', () => perform(local, [socketpair(SOCK.STREAM, pair)]));
  const ours = viewOf(pair.bytes).getInt32(0, true);
  keep(viewOf(pair.bytes).getInt32(4, true));
  try {
    const listener = keep(listenForStart(local, session.directory));
    const table = [
      ...session.inheritance.stdio,
      ...Array.from({ length: session.inheritance.preserveFds }, (_, i) => 3 + i),
      viewOf(pair.bytes).getInt32(4, true),
      listener,
      ...(session.inheritance.consoleSocket === undefined ? [] : [session.inheritance.consoleSocket]),
    ];
    const pid = cloneInit(session, record, table, enterCgroup);
    const init: Session['init'] = { kernel: session.platform.kernelBehind(ours, 'init'), socket: ours, pid };
    session.init = init;
    return { pid, startTime: doing(`read the start time of process ${pid}`, () => startTimeOf(local, pid)) };
  } catch (error) {
    if (session.init === undefined) local.submit([close(ours)]);
    throw error;
  } finally {
    local.submit(opened.map((fd) => ({ ...close(fd), mayFail: true })));
  }
}

/** By the directory's descriptor: the path to it may be longer than a socket's address can be. */
function listenForStart(local: Kernel, directory: string): number {
  return doing(`listen on ${directory}/${START_SOCKET}`, () => {
    const dir = call(local, openat(AT.FDCWD, directory, O.PATH | O.DIRECTORY));
    try {
      const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
      try {
        perform(local, [bindUnix(fd, `/proc/self/fd/${dir}/${START_SOCKET}`), listen(fd)]);
        return fd;
      } catch (error) {
        attempt(local, close(fd));
        throw error;
      }
    } finally {
      attempt(local, close(dir));
    }
  });
}

function cloneInit(
  session: Session,
  record: ContainerRecord,
  table: readonly number[],
  enterCgroup: EnterCgroup,
): number {
  const { local } = session.platform;
  const stage = doing('start the stage', () => session.platform.spawnStage(table, 'stage'));
  try {
    enterCgroup(stage.kernel);
    const batch = new PartedBatch();
    addClone(batch, record, stage.socket, session.inheritance.preserveFds);
    return batch.perform(stage.kernel).at(-1) ?? 0;
  } finally {
    attempt(local, close(stage.connection));
    while (attempt(local, waitid(P.PID, stage.pid, out(128), W.EXITED)) === -ERRNO.EINTR);
  }
}

function addClone(batch: PartedBatch, record: ContainerRecord, stageSocket: number, preserveFds: number): void {
  const plan = planNamespaces(record.config);
  batch.add(closeRange(stageSocket + 1, 0x7fffffff));
  batch.part('prepare the stage');
  for (const { type, path } of plan.joined) {
    const fd = batch.add(openat(AT.FDCWD, path, O.RDONLY));
    batch.add(setns(fd, NAMESPACE_FLAGS[type]));
    batch.add(close(fd));
    batch.part(`join the ${type} namespace ${path}`);
  }
  const unified = record.cgroup?.paths.unified;
  // A number that clone3 can be told in the same batch; no open file of the stage reaches it by itself.
  const cgroup = stageSocket + 16;
  if (unified !== undefined) {
    const fd = batch.add(openat(AT.FDCWD, unified, O.PATH | O.DIRECTORY));
    batch.add(dup3(fd, cgroup, O.CLOEXEC));
    batch.part(`open the cgroup ${unified}`);
  }
  batch.add(
    clone3({
      // A sum: INTO_CGROUP lies beyond the 32 bits of JavaScript's `|`.
      flags: (plan.made | CLONE.PARENT) + (unified === undefined ? 0 : CLONE.INTO_CGROUP),
      // With CLONE_PARENT the child gets the exit signal of the stage: SIGCHLD to this process.
      exitSignal: 0,
      ...(unified === undefined ? {} : { cgroup }),
      childServes: initDescriptors(preserveFds).batches,
    }),
  );
  batch.part('clone3 into the new namespaces');
}

/** The init's own first steps: session, keyring, loopback, host name; nothing of the stage's stays open. @throws EffectError */
export function settleInit(session: Session, record: ContainerRecord): void {
  const { kernel } = connectedInit(session);
  const { config, options } = record;
  const { console } = initDescriptors(session.inheritance.preserveFds);
  const batch = new PartedBatch();
  batch.add(closeRange(session.inheritance.consoleSocket === undefined ? console : console + 1, 0x7fffffff));
  batch.add(setsid());
  if (!options.noNewKeyring) addSessionKeyring(batch, `_ses.${record.id}`);
  batch.part('prepare the init');
  if (makesNamespace(config, 'network')) addLoopbackUp(batch);
  batch.part('bring the loopback interface up');
  if (config.hostname !== undefined && config.hostname !== '') batch.add(sethostname(config.hostname));
  batch.part(`set the host name to ${config.hostname}`);
  batch.perform(kernel);
}

/** The arena of native/init/init.c; what earlier batches left in it is given back before the long wait. */
const ARENA = { base: 0x1_0000_0000, size: 16 << 20, kept: 4096 } as const;
const MADV_DONTNEED = 4;

/** The last batch of `create`: from here on the init waits for whoever connects to the start socket. */
export function awaitStart(session: Session): void {
  const { kernel } = connectedInit(session);
  const { start } = initDescriptors(session.inheritance.preserveFds);
  doing('leave the init waiting for start', () =>
    perform(kernel, [
      { name: 'madvise', args: [ARENA.base + ARENA.kept, ARENA.size - ARENA.kept, MADV_DONTNEED] },
      { ...accept(start), serve: true },
    ]),
  );
}
