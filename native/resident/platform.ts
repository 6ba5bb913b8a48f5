/** The platform of a command whose caller is another process: the client of this resident engine. */

import { close } from '../calls/files.ts';
import { isReadableWithin } from '../calls/poll.ts';
import { kill, SIGINFO_BYTES, waitid } from '../calls/process.ts';
import { receive, receiveBuffers, receivedDescriptors, receiveMessage, sendDescriptors } from '../calls/sockets.ts';
import { P, W } from '../constants/process.ts';
import { SIGNALS } from '../constants/signal.ts';
import { type Call, type Kernel, LostPeerError } from '../kernel/kernel.ts';
import type { Fd, Pid } from '../kernel/numbers.ts';
import { attempt, call, perform, post } from '../kernel/perform.ts';
import { out, viewOf } from '../kernel/struct.ts';
import type { Libc } from '../libraries/libc.ts';
import { loadLibSeccomp } from '../libraries/libseccomp.ts';
import { localKernel } from '../performers/local.ts';
import { remoteKernels } from '../performers/remote.ts';
import type { Platform } from '../platform.ts';
import { enterAhead, takeLaunchedStage } from '../stage/launched.ts';
import type { LaunchedStage, Stage } from '../stage/stage.ts';
import { attendBy } from './attend.ts';
import { type Caller, NotServedError } from './caller.ts';
import { callersKernel } from './callers-kernel.ts';
import { callersInterruption } from './interruption.ts';

export interface CallersSockets {
  /** Ours, of the body's socket and of the connection. */
  readonly body: Fd;
  readonly connection: Fd;
  /** The caller's numbers of its ends. */
  readonly theirBody: Fd;
  readonly theirConnection: Fd;
}

export interface CallersStage {
  /** The ends that came along. */
  readonly socket: Fd;
  readonly channel: Fd;
}

export interface CallersPlatform extends Platform {
  readonly caller: Caller;
  /** Has the caller exit, or go on by itself where the command was given back: the last thing that is done for it. */
  finish(status: number): void;
}

/**
 * @param pid the caller's
 * @param staged the stage that the caller has started, or is about to start; its pid comes by the connection
 */
export function callersPlatform(libc: Libc, sockets: CallersSockets, pid: Pid, staged?: CallersStage): CallersPlatform {
  const own = localKernel(libc);
  let body: Kernel | undefined;
  const callers: Kernel = {
    performer: 'caller',
    submit: (calls) => bodyKernel().submit(calls),
    post: (calls, settle) => bodyKernel().post?.(calls, settle),
  };
  const interruption = callersInterruption(own, callers, sockets.body);
  const remote = remoteKernels(libc, interruption.awaitReadable);
  const bodyKernel = (): Kernel => {
    body ??= remote(sockets.body, 'caller');
    return body;
  };
  const local = callersKernel(own, callers, pid, (pidfd) => pidOf(own, pidfd));
  const stage = stageOnce(own, sockets.connection, staged);
  let refused = false;
  /** The caller goes on by itself. */
  let isLeft = false;
  /** Children that have been killed, and may not be reaped yet. */
  const retired: Pid[] = [];

  const take = (launched: LaunchedStage, descriptors: readonly Fd[], namespaces?: number): Stage | undefined =>
    takeLaunchedStage(own, launched, descriptors, (socket) => remote(socket, 'stage'), { looks: false, namespaces });

  return {
    local,
    launchedStage(descriptors, _, namespaces) {
      const launched = stage();
      return launched === undefined ? undefined : take(launched, descriptors, namespaces);
    },
    enterAhead(namespaces) {
      const launched = stage();
      if (launched !== undefined) enterAhead(launched, namespaces, remote(launched.socket, 'stage'));
    },
    spawnStage(descriptors) {
      const spawned = spawn(own, callers, sockets);
      const taken = take(spawned, descriptors);
      if (taken === undefined) throw new Error(`start the stage: ${descriptors.length} descriptors are too many`);
      perform(taken.kernel, taken.settling ?? []);
      return { ...taken, settling: [] };
    },
    kernelBehind: remote,
    libc: () => libc,
    libseccomp: () => loadLibSeccomp(libc),
    async poll(descriptors, timeoutMs = -1) {
      const until = performance.now() + timeoutMs;
      for (let rest = timeoutMs; ; rest = timeoutMs < 0 ? -1 : Math.max(0, Math.ceil(until - performance.now()))) {
        const ready = libc.pollHere([...descriptors, ...interruption.leaving], rest);
        if (ready.length > descriptors.length && ready.at(-1) !== 0) interruption.check();
        // The engine's garbage collector sends its threads signals, which end a wait.
        if (rest === 0 || ready.some((happened) => happened !== 0)) return ready.slice(0, descriptors.length);
      }
    },
    interruption,
    caller: {
      refuse(why) {
        refused = true;
        throw new NotServedError(why);
      },
      check: interruption.check,
      catchSignals: interruption.catchSignals,
      attend(wait) {
        // They are long gone, and a wait that may last for days is to leave no zombies.
        if (retired.length > 0) post(callers, retired.splice(0).map(reaping), () => undefined);
        const status = attendBy(own, callers, sockets, wait);
        isLeft = status === undefined;
        return status;
      },
      reapOrphans: () => post(callers, [{ name: 'client_reap_orphans', args: [] }], () => undefined),
      retire(pids) {
        retired.push(...pids);
        post(callers, pids.flatMap(ending), () => undefined);
      },
    },
    finish(status) {
      if (isLeft) return;
      const left = refused || staged === undefined ? undefined : stage();
      const last: readonly Call[] = refused
        ? [{ name: 'client_go_cold', args: [] }]
        : [
            ...(left === undefined || left.taken ? [] : ending(left.pid)),
            ...retired.map(reapingIfGone),
            { name: 'exit_group', args: [status] },
          ];
      try {
        post(callers, last, () => undefined);
      } catch (error) {
        // Nobody is left who could be told.
        if (!(error instanceof LostPeerError)) throw error;
      }
    },
  };
}

const reaping = (pid: Pid): Call => ({ ...waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED), mayFail: true });

const reapingIfGone = (pid: Pid): Call => ({
  ...waitid(P.PID, pid, out(SIGINFO_BYTES), W.EXITED | W.NOHANG),
  mayFail: true,
});

/** Kills a child, and reaps it if it is gone at once. A frozen one is not: the caller would be held up. */
const ending = (pid: Pid): readonly Call[] => [{ ...kill(pid, SIGNALS.SIGKILL), mayFail: true }, reapingIfGone(pid)];

/** Whose pidfd a descriptor is: /proc/self/fdinfo says so. */
function pidOf(own: Kernel, pidfd: Fd): Pid {
  const file = call(own, { name: 'openat', args: [-100, `/proc/self/fdinfo/${pidfd}`, 0o2000000] });
  const text = out(512);
  attempt(own, { name: 'read', args: [file, text, text.bytes.length] });
  attempt(own, close(file));
  return Number(/^Pid:\s*(\d+)/m.exec(new TextDecoder().decode(text.bytes))?.[1] ?? 0);
}

/** How long the caller may take to fork: long, since it is not at work otherwise. */
const FORK_MS = 1000;

/** The stage of the caller's. Its pid is read when somebody asks for the stage. */
function stageOnce(own: Kernel, connection: Fd, staged: CallersStage | undefined): () => LaunchedStage | undefined {
  let found: LaunchedStage | undefined;
  let isKnown = staged === undefined;
  return () => {
    if (isKnown || staged === undefined) return found;
    isKnown = true;
    const pid = out(4);
    const length = isReadableWithin(own, connection, FORK_MS) ? attempt(own, receive(connection, pid)) : 0;
    const number = length === 4 ? viewOf(pid.bytes).getUint32(0, true) : 0;
    if (number !== 0) found = { ...staged, pid: number, taken: false };
    return found;
  };
}

/** Has the caller start another stage. */
function spawn(own: Kernel, callers: Kernel, { connection, theirConnection }: CallersSockets): LaunchedStage {
  const ends = out(8);
  const pid = call(callers, { name: 'client_spawn', args: [ends] });
  const view = viewOf(ends.bytes);
  const theirs = [view.getInt32(0, true), view.getInt32(4, true)];
  perform(callers, [sendDescriptors(theirConnection, theirs), ...theirs.map((fd) => close(fd))]);
  const buffers = receiveBuffers(2);
  perform(own, [receiveMessage(connection, buffers)]);
  const [socket, channel] = receivedDescriptors(buffers.control);
  if (socket === undefined || channel === undefined) throw new Error('start the stage: its sockets did not come');
  return { pid, socket, channel, taken: false };
}
