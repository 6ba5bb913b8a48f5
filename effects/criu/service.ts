/**
 * One request to CRIU, and the conversation about it: `criu swrk` serves a single client on a socket, and ends. On its
 * way it sends notifications, and waits for each to be answered. criu(8), "RPC".
 */

import { openat } from '../../native/calls/files.ts';
import { socketPair } from '../../native/calls/pair.ts';
import { receiveBuffers, receivedDescriptors, receiveMessage, send } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { POLL, SOCK } from '../../native/constants/socket.ts';
import { type CriuRequest, type CriuResponse, REQUEST } from '../../native/criu/messages.ts';
import { decodeResponse, encodeRequest } from '../../native/criu/rpc.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { call, isErrno } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import { hasEnded, spawnProcess, takeEnding } from '../../native/stage/program.ts';
import { doing, EffectError, reasonOf } from '../error.ts';
import { closeAll } from '../foreground/ends.ts';
import { findProgram } from '../process/host-programs.ts';
import type { Session } from '../session.ts';
import { CriuError, criuErrorOf } from './failure.ts';

export interface Notification {
  readonly script: string;
  /** The process that it is about, as this process sees it; 0 where it is about none. */
  readonly pid: Pid;
  /** The descriptors that came along. They are closed when the notification has been dealt with. */
  readonly descriptors: readonly Fd[];
}

interface Conversation {
  /** @param pid of the CRIU process: its request may depend on where that is */
  readonly request: (pid: Pid) => CriuRequest;
  /** CRIU's standard descriptors, which restored processes may inherit; /dev/null by default. */
  readonly stdio?: readonly [stdin: Fd, stdout: Fd, stderr: Fd] | undefined;
  /** Descriptors that CRIU gets as `FIRST_EXTRA` and on. */
  readonly extra?: readonly Fd[] | undefined;
  /** What its process does before it becomes CRIU. */
  readonly prepare?: ((process: Kernel) => void) | undefined;
  /** If it throws, CRIU is told to give up. The error is thrown once CRIU has done so. */
  readonly onNotification?: ((notification: Notification) => void | Promise<void>) | undefined;
  /**
   * Called when CRIU's messages come: by the first one, CRIU has copies of the descriptors whose numbers it was told.
   */
  readonly onAnswer?: (() => void) | undefined;
}

const SOCKET = 3;
/** In CRIU's process: the first of `extra`. */
export const FIRST_EXTRA = SOCKET + 1;

/** More than a message has: what does not fit would be lost. */
const MESSAGE_BYTES = 64 * 1024;
const MOST_DESCRIPTORS = 4;

/**
 * @returns CRIU's last answer; CRIU is gone by then
 * @throws EffectError where CRIU is missing, refuses, or ends without an answer
 */
export async function askCriu(
  { platform, environment }: Pick<Session, 'platform' | 'environment'>,
  conversation: Conversation,
): Promise<CriuResponse> {
  const { local } = platform;
  const path = findProgram(local, environment, 'criu');
  if (path === undefined)
    throw new EffectError('exec: "criu": executable file not found in $PATH: install it (package criu)');
  const [own, other] = socketPair(local, SOCK.SEQPACKET);
  using ours = new Owned(local, own);
  const { pid, pidfd } = startCriu(platform, environment, path, other, conversation);
  using ending = new Owned(local, pidfd);
  try {
    return await converse(platform, ours.fd, conversation, pid);
  } finally {
    // CRIU ends with its connection. Without that it would wait for the dump, after a pre-dump.
    ours[Symbol.dispose]();
    await hasEnded(platform, ending.fd);
    takeEnding(local, pid);
  }
}

/**
 * @param socket CRIU's end of the connection. It is closed here: while this process held it, CRIU's end would not be
 *   seen
 */
function startCriu(
  platform: Platform,
  environment: Session['environment'],
  path: string,
  socket: Fd,
  { stdio, prepare, extra = [] }: Conversation,
): ReturnType<typeof spawnProcess> {
  const { local } = platform;
  using theirs = new Owned(local, socket);
  using nothing = stdio === undefined ? openNull(local) : undefined;
  return spawnProcess(platform, {
    path,
    argv: ['criu', 'swrk', String(SOCKET)],
    env: environment,
    descriptors: [...(stdio ?? standardNull(nothing)), theirs.fd, ...extra],
    performer: 'criu',
    prepare,
  });
}

const openNull = (local: Kernel): Owned =>
  doing('open /dev/null', () => opened(local, openat(AT.FDCWD, '/dev/null', O.RDWR)));
const standardNull = (nothing: Owned | undefined): readonly Fd[] =>
  nothing === undefined ? [] : [nothing.fd, nothing.fd, nothing.fd];

async function converse(
  platform: Platform,
  socket: Fd,
  { request, onNotification, onAnswer }: Conversation,
  pid: Pid,
): Promise<CriuResponse> {
  const { local } = platform;
  tell(local, socket, request(pid));
  let problem: { readonly error: unknown } | undefined;
  for (;;) {
    const message = await receive(platform, socket, problem);
    try {
      onAnswer?.();
      const response = decodeResponse(message.bytes);
      if (!response.success) throw problem?.error ?? criuErrorOf(response);
      if (response.type !== REQUEST.NOTIFY) return response;
      const { script = '', pid: about = 0 } = response.notify ?? {};
      try {
        await onNotification?.({ script, pid: about, descriptors: message.descriptors });
      } catch (error) {
        problem ??= { error };
      }
      tell(local, socket, { type: REQUEST.NOTIFY, notifySuccess: problem === undefined });
    } finally {
      closeAll(local, message.descriptors);
    }
  }
}

function tell(local: Kernel, socket: Fd, request: CriuRequest): void {
  try {
    call(local, send(socket, encodeRequest(request)));
  } catch (error) {
    throw lost(error, 'tell CRIU what to do');
  }
}

function lost(error: unknown, what: string): EffectError {
  // The connection is reset where CRIU ends before it has read all that it was sent.
  if (isErrno(error, 'ECONNRESET', 'EPIPE')) return new CriuError(ENDED, '', { cause: error });
  return new EffectError(`${what}: ${reasonOf(error)}`, { cause: error });
}

const ENDED = 'criu failed: it ended without an answer';

async function receive(
  platform: Platform,
  socket: Fd,
  problem: { readonly error: unknown } | undefined,
): Promise<{ readonly bytes: Uint8Array; readonly descriptors: readonly Fd[] }> {
  for (let ready = 0; ready === 0; ) [ready = 0] = await platform.poll([{ fd: socket, events: POLL.IN }]);
  const buffers = receiveBuffers(MOST_DESCRIPTORS, MESSAGE_BYTES);
  let length: number;
  try {
    length = call(platform.local, receiveMessage(socket, buffers));
  } catch (error) {
    throw problem?.error ?? lost(error, 'hear from CRIU');
  }
  if (length === 0) throw problem?.error ?? new CriuError(ENDED);
  return { bytes: buffers.data.bytes.subarray(0, length), descriptors: receivedDescriptors(buffers.control) };
}
