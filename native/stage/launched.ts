/**
 * The stage that the launcher started (native/launcher/stage.h), so that it came up while the engine did: 1 ms of a command
 * that makes a process. It is one for any process; the descriptors that a certain one is to have are passed to it.
 */

import { close, closeRange } from '../calls/files.ts';
import { waitid } from '../calls/process.ts';
import { reapChild } from '../calls/reap.ts';
import { receiveBuffers, receiveMessage, sendDescriptors } from '../calls/sockets.ts';
import { P, W } from '../constants/process.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Fd, Pid } from '../kernel/numbers.ts';
import { attempt } from '../kernel/perform.ts';
import { out, viewOf } from '../kernel/struct.ts';
import type { LaunchedStage, Stage } from './stage.ts';

/** The stage's own ends, there. */
const SOCKET = 30;
const CHANNEL = 31;

/**
 * Takes the stage, for a process with these descriptors.
 * @returns undefined where there is none (any more): then one is to be spawned
 */
export function takeLaunchedStage(
  local: Kernel,
  launched: LaunchedStage,
  descriptors: readonly Fd[],
  kernelBehind: (socket: Fd) => Kernel,
): Stage | undefined {
  if (launched.taken || descriptors.length > SOCKET) return undefined;
  const { pid, socket, channel } = launched;
  if (hasEnded(local, pid) || attempt(local, sendDescriptors(channel, descriptors)) < 0) return undefined;
  launched.taken = true;
  attempt(local, close(channel));
  return {
    pid,
    kernel: kernelBehind(socket),
    connection: socket,
    socket: SOCKET,
    // With nothing open below its sockets, they become its descriptors from 0 on.
    settling: [closeRange(0, SOCKET - 1), receiveMessage(CHANNEL, receiveBuffers(descriptors.length), 0)],
  };
}

/** Memory was short, say, or somebody killed it. */
function hasEnded(local: Kernel, pid: Pid): boolean {
  const info = out(128);
  const waited = attempt(local, waitid(P.PID, pid, info, W.EXITED | W.NOHANG | W.NOWAIT));
  return waited < 0 || viewOf(info.bytes).getInt32(16, true) !== 0;
}

/** Ends a stage that nobody has taken. */
export function endLaunchedStage(local: Kernel, { pid, socket, channel, taken }: LaunchedStage): void {
  if (taken) return;
  local.submit([
    { ...close(socket), mayFail: true },
    { ...close(channel), mayFail: true },
  ]);
  reapChild(local, pid);
}
