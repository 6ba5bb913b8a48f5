/**
 * A second connection to a container's init, besides the one that its batches come by. A child of the init's serves on
 * it, or descriptors go over it.
 */

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
import { Batch, resultOf } from '../../native/kernel/batch.ts';
import { type Kernel, MalformedAnswerError } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { EffectError } from '../error.ts';
import type { Session } from '../session.ts';
import { connectToInit } from './connect.ts';
import { startDescriptor } from './start.ts';

export interface Channel {
  /** In this process. Close-on-exec. */
  readonly ours: Fd;
  /** In the init. Close-on-exec. */
  readonly theirs: Fd;
}

/**
 * Connects to the start socket, on which the init listens from its first moment on.
 * @param init serves batches on another connection
 * @returns the channel; the caller closes both of its ends
 * @throws EffectError
 */
export function openChannel(session: Session, init: Kernel, preserveFds: number): Channel {
  const { local } = session.platform;
  using ours = new Owned(local, connectToInit(session).socket);
  const token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  call(local, send(ours.fd, token));
  for (let tries = 0; tries < MOST_STRANGERS; tries++) {
    const { theirs, brought } = acceptNext(init, startDescriptor(preserveFds));
    if (brought.every((byte, i) => byte === token[i])) return { ours: ours.release(), theirs };
    attempt(init, close(theirs));
  }
  throw new EffectError('reach the init by its start socket: others connect to it');
}

const TOKEN_BYTES = 16;
const MOST_STRANGERS = 100;

/**
 * Accepts a connection. Its first bytes tell whether it is ours: in a user namespace the init cannot tell by our uid.
 */
function acceptNext(init: Kernel, listener: Fd): { readonly theirs: Fd; readonly brought: Uint8Array } {
  const buffers = receiveBuffers(0, TOKEN_BYTES);
  const batch = new Batch();
  const accepted = batch.add(accept(listener));
  batch.try(receiveMessage(accepted, buffers, MSG.DONTWAIT));
  const results = perform(init, batch.calls);
  return { theirs: resultOf(results, accepted), brought: buffers.data.bytes };
}

/**
 * Gives a remote performer duplicates of descriptors of ours.
 * @returns their numbers there, in order; close-on-exec
 * @throws SyscallError, Error
 */
export function passDescriptors(
  local: Kernel,
  remote: Kernel,
  { ours, theirs }: Channel,
  descriptors: readonly Fd[],
): readonly Fd[] {
  call(local, sendDescriptors(ours, descriptors));
  const buffers = receiveBuffers(descriptors.length);
  call(remote, receiveMessage(theirs, buffers));
  const received = receivedDescriptors(buffers.control);
  if (received.length === descriptors.length) return received;
  throw new Error(`the ${remote.performer} process has no room for ${descriptors.length} descriptors`);
}

/**
 * Takes duplicates of descriptors of a remote performer's.
 * @returns their numbers here, in order; close-on-exec
 * @throws SyscallError, MalformedAnswerError
 */
export function takeDescriptors(
  local: Kernel,
  remote: Kernel,
  { ours, theirs }: Channel,
  descriptors: readonly Fd[],
): readonly Fd[] {
  call(remote, sendDescriptors(theirs, descriptors));
  const buffers = receiveBuffers(descriptors.length);
  // The performer has said that it sent them: what is not there now will not come.
  const length = attempt(local, receiveMessage(ours, buffers, MSG.CMSG_CLOEXEC | MSG.DONTWAIT));
  const received = receivedDescriptors(buffers.control);
  if (length > 0 && received.length === descriptors.length) return received;
  for (const fd of received) attempt(local, close(fd));
  const came = `${received.length} descriptors came of ${descriptors.length} that it says it has sent`;
  throw new MalformedAnswerError(remote.performer, came);
}
