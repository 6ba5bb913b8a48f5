/** A second connection to a container's init, besides the one of its batches: for a child of its, and for descriptors. */

import { close } from '../../native/calls/files.ts';
import {
  accept,
  receiveBuffers,
  receivedDescriptors,
  receiveMessage,
  sendDescriptors,
} from '../../native/calls/sockets.ts';
import { MSG } from '../../native/constants/socket.ts';
import { type Kernel, MalformedAnswerError } from '../../native/kernel/kernel.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import type { Session } from '../session.ts';
import { connectToInit } from './connect.ts';
import { startDescriptor } from './start.ts';

export interface Channel {
  /** In this process. */
  readonly ours: number;
  /** In the init. Close-on-exec. */
  readonly theirs: number;
}

/**
 * Through the start socket, on which the init listens from its first moment on.
 * @param init serves batches on another connection
 * @throws EffectError
 */
export function openChannel(session: Session, init: Kernel, preserveFds: number): Channel {
  const { socket } = connectToInit(session);
  try {
    return { ours: socket, theirs: call(init, accept(startDescriptor(preserveFds))) };
  } catch (error) {
    attempt(session.platform.local, close(socket));
    throw error;
  }
}

/** Gives a remote performer duplicates of descriptors of ours. @returns their numbers there, in order; close-on-exec */
export function passDescriptors(
  local: Kernel,
  remote: Kernel,
  { ours, theirs }: Channel,
  descriptors: readonly number[],
): readonly number[] {
  call(local, sendDescriptors(ours, descriptors));
  const buffers = receiveBuffers(descriptors.length);
  call(remote, receiveMessage(theirs, buffers));
  return complete(receivedDescriptors(buffers.control), descriptors.length, remote.performer);
}

/** The other way around. @returns their numbers here, close-on-exec */
export function takeDescriptors(
  local: Kernel,
  remote: Kernel,
  { ours, theirs }: Channel,
  descriptors: readonly number[],
): readonly number[] {
  call(remote, sendDescriptors(theirs, descriptors));
  const buffers = receiveBuffers(descriptors.length);
  // It has said that it sent them: what is not there now will not come.
  const length = attempt(local, receiveMessage(ours, buffers, MSG.CMSG_CLOEXEC | MSG.DONTWAIT));
  const received = receivedDescriptors(buffers.control);
  if (length > 0 && received.length === descriptors.length) return received;
  local.submit(received.map((fd) => ({ ...close(fd), mayFail: true })));
  const came = `${received.length} descriptors came of ${descriptors.length} that it says it has sent`;
  throw new MalformedAnswerError(remote.performer, came);
}

function complete(received: readonly number[], count: number, performer: string): readonly number[] {
  if (received.length !== count) throw new Error(`the ${performer} process has no room for ${count} descriptors`);
  return received;
}
