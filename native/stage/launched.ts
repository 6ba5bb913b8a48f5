/**
 * The stage that the launcher started (native/launcher/stage.h). It comes up while the engine does, which saves a
 * command that makes a process 1 ms. It serves for any process: it is sent the descriptors that this one is to have.
 */

import { close, closeRange } from '../calls/files.ts';
import { unshare } from '../calls/process.ts';
import { hasChildEnded, reapChild } from '../calls/reap.ts';
import { receiveBuffers, receiveMessage, sendDescriptors } from '../calls/sockets.ts';
import { type Kernel, LostPeerError } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt, flush, post } from '../kernel/perform.ts';
import type { LaunchedStage, Stage } from './stage.ts';

/** In the stage: its ends of the two sockets. native/launcher/stage.h has the same numbers. */
const SOCKET = 30;
const CHANNEL = 31;

/**
 * Has the stage enter new namespaces, while the command does something else: a network takes the kernel 0.4 ms.
 * @param namespaces CLONE_NEW*
 * @param kernel the stage's
 */
export function enterAhead(launched: LaunchedStage, namespaces: number, kernel: Kernel): void {
  if (launched.taken || launched.entering !== undefined || namespaces === 0) return;
  let entered = 0;
  try {
    // Where it fails, the clone is asked for them, and reports why.
    post(kernel, [{ ...unshare(namespaces), mayFail: true }], ({ results: [result = -1] }) => {
      if (result === 0) entered = namespaces;
    });
  } catch (error) {
    // Whoever takes the stage finds out that it has ended.
    if (!(error instanceof LostPeerError)) throw error;
  }
  const isEntered = (): number => {
    flush(kernel);
    return entered;
  };
  launched.entering = { kernel, entered: isEntered };
}

export interface TakeOptions {
  /**
   * Whether to look first if it is still there, which is the default. Its socket tells that too, but not of one that is
   * ending.
   */
  readonly looks?: boolean;
  /** CLONE_NEW* of the new namespaces that the process is to be in. The stage may be in these, and in no others. */
  readonly namespaces?: number | undefined;
}

/**
 * Takes the stage, for a process with these descriptors.
 * @returns undefined where there is none, or none any more. The caller spawns one then
 */
export function takeLaunchedStage(
  local: Kernel,
  launched: LaunchedStage,
  descriptors: readonly Fd[],
  kernelBehind: (socket: Fd) => Kernel,
  { looks = true, namespaces = 0 }: TakeOptions = {},
): Stage | undefined {
  if (launched.taken || descriptors.length > SOCKET) return undefined;
  const { pid, socket, channel, entering } = launched;
  const entered = enteredBy(launched);
  if (entered === undefined || (entered & ~namespaces) !== 0) return undefined;
  // It ends early where memory is short, say, or where somebody kills it.
  if ((looks && hasChildEnded(local, pid)) || attempt(local, sendDescriptors(channel, descriptors)) < 0)
    return undefined;
  launched.taken = true;
  attempt(local, close(channel));
  return {
    pid,
    kernel: entering?.kernel ?? kernelBehind(socket),
    connection: socket,
    socket: SOCKET,
    entered,
    // With nothing open below its sockets, what it receives become its descriptors from 0 on.
    settling: [closeRange(0, SOCKET - 1), receiveMessage(CHANNEL, receiveBuffers(descriptors.length), 0)],
  };
}

/** @returns undefined where the stage has ended */
function enteredBy({ entering }: LaunchedStage): number | undefined {
  try {
    return entering?.entered() ?? 0;
  } catch (error) {
    if (error instanceof LostPeerError) return undefined;
    throw error;
  }
}

/** Ends the stage, unless somebody has taken it. */
export function endLaunchedStage(local: Kernel, { pid, socket, channel, taken }: LaunchedStage): void {
  if (taken) return;
  for (const fd of [socket, channel]) attempt(local, close(fd));
  reapChild(local, pid);
}
