/**
 * One request to CRIU, and the conversation about it: `criu swrk` serves a single client on a socket, asks to be told
 * that a stage has been taken note of (notifications), and ends. criu(8), "RPC".
 */

import { close, openat } from '../../native/calls/files.ts';
import { socketPair } from '../../native/calls/pair.ts';
import { receiveBuffers, receivedDescriptors, receiveMessage, send } from '../../native/calls/sockets.ts';
import { AT, O } from '../../native/constants/files.ts';
import { POLL, SOCK } from '../../native/constants/socket.ts';
import { type CriuRequest, type CriuResponse, REQUEST } from '../../native/criu/messages.ts';
import { decodeResponse, encodeRequest } from '../../native/criu/rpc.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, isErrno } from '../../native/kernel/perform.ts';
import type { Platform } from '../../native/platform.ts';
import { hasEnded, spawnProcess, takeEnding } from '../../native/stage/program.ts';
import { doing, EffectError, reasonOf } from '../error.ts';
import { closeAll } from '../foreground/ends.ts';
import { findProgram } from '../process/host-programs.ts';
import type { Session } from '../session.ts';
import { CriuError, refusal } from './failure.ts';

export interface Notification {
  readonly script: string;
  /** Of the process that it is about, as this process sees it. */
  readonly pid: number;
  /** What came along; closed afterwards. */
  readonly descriptors: readonly number[];
}

interface Conversation {
  /** @param pid of the CRIU process: its request may depend on where that is */
  readonly request: (pid: number) => CriuRequest;
  /** CRIU's standard descriptors, which restored processes may inherit; /dev/null by default. */
  readonly stdio?: readonly [number, number, number] | undefined;
  /** What it gets as `FIRST_EXTRA` and on. */
  readonly extra?: readonly number[] | undefined;
  /** What its process does before it becomes CRIU. */
  readonly prepare?: ((process: Kernel) => void) | undefined;
  /** What it throws makes CRIU give up, and is thrown once it has. */
  readonly onNotification?: ((notification: Notification) => void | Promise<void>) | undefined;
  /** Called with CRIU's first message: by then it has its own copies of what it was told the numbers of. */
  readonly onAnswer?: (() => void) | undefined;
}

const SOCKET = 3;
/** In CRIU's process: the first of `extra`. */
export const FIRST_EXTRA = SOCKET + 1;

/** More than a message has; what does not fit would be lost. */
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
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  let ours: number | undefined;
  try {
    const [own, other] = socketPair(local, SOCK.SEQPACKET);
    ours = own;
    const theirs = keep(other);
    const { prepare, extra = [] } = conversation;
    const stdio = conversation.stdio ?? standardNull(keep(doing('open /dev/null', () => openNull(local))));
    const { pid, pidfd } = spawnProcess(platform, {
      path,
      argv: ['criu', 'swrk', String(SOCKET)],
      env: environment,
      descriptors: [...stdio, theirs, ...extra],
      performer: 'criu',
      prepare,
    });
    keep(pidfd);
    // Or its end would not be seen.
    attempt(local, close(theirs));
    opened.splice(opened.indexOf(theirs), 1);
    try {
      return await converse(platform, ours, conversation, pid);
    } finally {
      // It ends with its connection; after a pre-dump it would wait for the dump.
      attempt(local, close(ours));
      ours = undefined;
      await hasEnded(platform, pidfd);
      takeEnding(local, pid);
    }
  } finally {
    closeAll(local, ours === undefined ? opened : [...opened, ours]);
  }
}

const openNull = (local: Kernel): number => call(local, openat(AT.FDCWD, '/dev/null', O.RDWR));
const standardNull = (fd: number): readonly [number, number, number] => [fd, fd, fd];

async function converse(
  platform: Platform,
  socket: number,
  { request, onNotification, onAnswer }: Conversation,
  pid: number,
): Promise<CriuResponse> {
  const { local } = platform;
  tell(local, socket, request(pid));
  let problem: { readonly error: unknown } | undefined;
  for (;;) {
    const message = await receive(platform, socket, problem);
    try {
      onAnswer?.();
      const response = decodeResponse(message.bytes);
      if (!response.success) throw problem?.error ?? refusal(response);
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

function tell(local: Kernel, socket: number, request: CriuRequest): void {
  try {
    call(local, send(socket, encodeRequest(request)));
  } catch (error) {
    throw lost(error, 'tell CRIU what to do');
  }
}

function lost(error: unknown, what: string): EffectError {
  // Where it has not read all that it was sent, its end is a reset.
  if (isErrno(error, 'ECONNRESET', 'EPIPE')) return new CriuError(ENDED, '', { cause: error });
  return new EffectError(`${what}: ${reasonOf(error)}`, { cause: error });
}

const ENDED = 'criu failed: it ended without an answer';

async function receive(
  platform: Platform,
  socket: number,
  problem: { readonly error: unknown } | undefined,
): Promise<{ readonly bytes: Uint8Array; readonly descriptors: readonly number[] }> {
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
