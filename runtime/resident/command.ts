/** One command of a resident engine: from the connection of a caller to the caller's exit. */

import type { DevicePrograms } from '../../effects/cgroups/devices/programs.ts';
import { isReadableWithin } from '../../native/calls/poll.ts';
import { umask } from '../../native/calls/process.ts';
import { receiveBuffers, receivedDescriptors, receiveMessage, send } from '../../native/calls/sockets.ts';
import { MSG } from '../../native/constants/socket.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Libc } from '../../native/libraries/libc.ts';
import { callersPlatform } from '../../native/resident/platform.ts';
import {
  ANSWER,
  HEADER_BYTES,
  MOST_DESCRIPTORS,
  type Request,
  readRequest,
  sizeOfRequest,
} from '../../native/resident/protocol.ts';
import type { Host } from '../host/host.ts';
import { mayBeWatched } from '../telling/look.ts';
import type { Admitted, admission } from './admission.ts';
import { closeAll, forgetStandard, place, received } from './descriptors.ts';
import { variablesIn } from './variables.ts';

/** What the floor above does with a command line. */
export interface Front {
  /** Whether a command is worth it, and can be performed for another process. */
  isServed(argv: readonly string[], host: Pick<Host, 'cwd' | 'env'>, isWatched: (root: string) => boolean): boolean;
  /** Loads what its commands need. */
  loadAhead(): Promise<void>;
  /** @returns the exit status */
  dispatch(argv: readonly string[], host: Host): Promise<number>;
}

export interface Surroundings {
  readonly libc: Libc;
  readonly kernel: Kernel;
  readonly admit: ReturnType<typeof admission>;
  /** An open /dev/null. */
  readonly nothing: Fd;
  readonly front: Front;
  readonly devicePrograms: DevicePrograms;
}

/** How long a caller may take to send what it has begun to send: for its first bytes, and for all others. */
const PATIENCE_MS = 5;
const FIRST_BYTES = 16 * 1024;

/**
 * @param connection that has just been accepted; it is closed here
 * @returns whether a command was performed
 */
export async function serveOne(around: Surroundings, connection: Fd): Promise<boolean> {
  const { kernel, admit, front } = around;
  const message = receiveRequest(kernel, connection);
  const request = message?.request;
  const env = request && variablesIn(request.environment);
  const isWatched = (root: string): boolean => mayBeWatched(kernel, root);
  const caller =
    request &&
    env &&
    front.isServed(request.argv, { cwd: request.cwd, env }, isWatched) &&
    admit(connection, request.pid);
  if (!message || !request || !env || !caller) {
    attempt(kernel, send(connection, ANSWER.NOT_SERVED));
    closeAll(kernel, [connection, ...(message?.fds ?? [])]);
    return false;
  }
  // The caller may have given us up meanwhile. From here on it has not.
  if (attempt(kernel, send(connection, ANSWER.BEGUN)) < 0) {
    closeAll(kernel, [connection, ...message.fds]);
    return false;
  }
  await perform(around, connection, { request, fds: message.fds, env, caller });
  return true;
}

interface Begun {
  readonly request: Request;
  readonly fds: readonly Fd[];
  readonly env: Host['env'];
  readonly caller: Admitted;
}

async function perform(around: Surroundings, connection: Fd, { request, fds, env, caller }: Begun): Promise<void> {
  const { kernel, libc, front, nothing } = around;
  const placed = place(kernel, connection, received(fds, request.staged));
  const sockets = {
    body: placed.body,
    connection: placed.connection,
    theirBody: request.body,
    theirConnection: request.connection,
  };
  const platform = callersPlatform(libc, sockets, caller.pid, placed.stage);
  attempt(kernel, umask(caller.umask));
  const status = await front.dispatch(request.argv, {
    cwd: request.cwd,
    env,
    environment: request.environment,
    uid: 0,
    gid: 0,
    pid: caller.pid,
    platform,
    devicePrograms: around.devicePrograms,
  });
  // Before the caller ends: whoever reads what it writes waits for the last who could write.
  forgetStandard(kernel, nothing);
  platform.finish(status);
  // The command has closed some of them already. What had their numbers since then is not to be left either.
  closeAll(kernel, placed.all);
}

interface Message {
  /** undefined where it is none. */
  readonly request: Request | undefined;
  readonly fds: readonly Fd[];
}

/** @returns undefined where nothing came */
function receiveRequest(kernel: Kernel, connection: Fd): Message | undefined {
  const buffers = receiveBuffers(MOST_DESCRIPTORS, FIRST_BYTES);
  const first = receiveMessage(connection, buffers, MSG.CMSG_CLOEXEC | MSG.DONTWAIT);
  let length = attempt(kernel, first);
  if (length < 0 && isReadableWithin(kernel, connection, PATIENCE_MS)) length = attempt(kernel, first);
  if (length <= 0) return undefined;
  const fds = receivedDescriptors(buffers.control);
  const bytes = wholeMessage(kernel, connection, buffers.data.bytes.subarray(0, length));
  const request = bytes && readRequest(bytes);
  return { request: request?.descriptors === fds.length ? request : undefined, fds };
}

/** Reads what the first piece does not hold. */
function wholeMessage(kernel: Kernel, connection: Fd, first: Uint8Array): Uint8Array | undefined {
  const size = sizeOfRequest(first.subarray(0, HEADER_BYTES));
  if (size === undefined || first.length > size) return undefined;
  if (first.length === size) return first.slice();
  const whole = new Uint8Array(size);
  whole.set(first);
  const end = performance.now() + PATIENCE_MS;
  for (let at = first.length; at < size; ) {
    const rest = out(size - at);
    const length = isReadableWithin(kernel, connection, Math.max(0, end - performance.now()))
      ? attempt(kernel, { name: 'recvfrom', args: [connection, rest, size - at, MSG.DONTWAIT, null, null] })
      : 0;
    if (length <= 0) return undefined;
    whole.set(rest.bytes.subarray(0, length), at);
    at += length;
  }
  return whole;
}
