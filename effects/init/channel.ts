/** A second connection to a container's init, besides the one of its batches: for a child of its, and for descriptors. */

import { close } from '../../native/calls/files.ts';
import {
  accept,
  receiveBuffers,
  receivedDescriptors,
  receiveMessage,
  send,
  sendDescriptors,
} from '../../native/calls/sockets.ts';
import { MSG } from '../../native/constants/socket.ts';
import { type Kernel, MalformedAnswerError } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { result } from '../../native/kernel/struct.ts';
import { EffectError } from '../error.ts';
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
  const { local } = session.platform;
  const { socket } = connectToInit(session);
  try {
    const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
    call(local, send(socket, token));
    for (let tries = 0; tries < MOST_STRANGERS; tries++) {
      const { theirs, brought } = acceptNext(init, startDescriptor(preserveFds));
      if (brought.every((byte, i) => byte === token[i])) return { ours: socket, theirs };
      attempt(init, close(theirs));
    }
    throw new EffectError('reach the init by its start socket: others connect to it');
  } catch (error) {
    attempt(local, close(socket));
    throw error;
  }
}

const TOKEN_BYTES = 16;
const MOST_STRANGERS = 100;

/** What comes first over a connection tells whether it is ours. In a user namespace the init could not tell by our uid. */
function acceptNext(init: Kernel, listener: number) {
  const { data, control } = receiveBuffers(0, TOKEN_BYTES);
  const received = { ...receiveMessage(result(0), { data, control }, MSG.DONTWAIT), mayFail: true } as const;
  const [theirs = -1] = perform(init, [accept(listener), received]);
  return { theirs, brought: data.bytes };
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
