/**
 * The stage that the launcher started (native/launcher/stage.h). It comes up while the engine does, which saves a
 * command that makes a process 1 ms. It serves for any process: it is sent the descriptors that this one is to have.
 */

import { close, closeRange } from '../calls/files.ts';
import { hasChildEnded, reapChild } from '../calls/reap.ts';
import { receiveBuffers, receiveMessage, sendDescriptors } from '../calls/sockets.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt } from '../kernel/perform.ts';
import type { LaunchedStage, Stage } from './stage.ts';

/** In the stage: its ends of the two sockets. native/launcher/stage.h has the same numbers. */
const SOCKET = 30;
const CHANNEL = 31;

/**
 * Takes the stage, for a process with these descriptors.
 * @param looks whether to look first if it is still there. Its socket tells that too, but not of one that is ending
 * @returns undefined where there is none, or none any more. The caller spawns one then
 */
export function takeLaunchedStage(
  local: Kernel,
  launched: LaunchedStage,
  descriptors: readonly Fd[],
  kernelBehind: (socket: Fd) => Kernel,
  looks = true,
): Stage | undefined {
  if (launched.taken || descriptors.length > SOCKET) return undefined;
  const { pid, socket, channel } = launched;
  // It ends early where memory is short, say, or where somebody kills it.
  if ((looks && hasChildEnded(local, pid)) || attempt(local, sendDescriptors(channel, descriptors)) < 0)
    return undefined;
  launched.taken = true;
  attempt(local, close(channel));
  return {
    pid,
    kernel: kernelBehind(socket),
    connection: socket,
    socket: SOCKET,
    // With nothing open below its sockets, what it receives become its descriptors from 0 on.
    settling: [closeRange(0, SOCKET - 1), receiveMessage(CHANNEL, receiveBuffers(descriptors.length), 0)],
  };
}

/** Ends the stage, unless somebody has taken it. */
export function endLaunchedStage(local: Kernel, { pid, socket, channel, taken }: LaunchedStage): void {
  if (taken) return;
  for (const fd of [socket, channel]) attempt(local, close(fd));
  reapChild(local, pid);
}
