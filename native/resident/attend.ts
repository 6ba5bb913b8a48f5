/** Leaves the long wait of a foreground command to the caller: native/launcher/attend.h is the other side. */

import { isReadableWithin } from '../calls/poll.ts';
import { receive, receiveBuffers, receiveMessage, sendDescriptors } from '../calls/sockets.ts';
import type { Call, Kernel } from '../kernel/kernel.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt, call, post } from '../kernel/perform.ts';
import { out, viewOf } from '../kernel/struct.ts';
import type { Wait } from './caller.ts';
import { setOf } from './interruption.ts';

/** attend.h has the same. */
const FLAG = { INPUT: 1, OUTPUT: 2, ERROR: 4, SUBREAPER: 8, AWAITS_WRITERS: 16 } as const;

/** Most containers that somebody waits for are gone in a moment. An engine stays so long; then others may have it. */
const BRIEFLY_MS = 20;
const SHUT_RD = 0;

interface Sockets {
  readonly body: Fd;
  readonly connection: Fd;
  readonly theirBody: Fd;
}

/**
 * @returns the exit status; undefined where the caller goes on by itself: there is nothing left to do, or it takes long
 */
export function attendBy(own: Kernel, callers: Kernel, sockets: Sockets, wait: Wait): number | undefined {
  const { pipes, pid, next } = wait;
  const parts: readonly (readonly [Fd | undefined, number])[] = [
    [pipes.input, FLAG.INPUT],
    [pipes.output, FLAG.OUTPUT],
    [pipes.error, FLAG.ERROR],
  ];
  const sent = parts.flatMap(([fd]) => (fd === undefined ? [] : [fd]));
  const flags = parts.reduce(
    (all, [fd, flag]) => (fd === undefined ? all : all | flag),
    (wait.subreaper ? FLAG.SUBREAPER : 0) | (wait.awaitsWriters ? FLAG.AWAITS_WRITERS : 0),
  );
  const buffers = receiveBuffers(parts.length);
  const line = next === undefined ? null : new TextEncoder().encode(next.map((word) => `${word}\0`).join(''));
  const batch: readonly Call[] = [
    ...(sent.length === 0 ? [] : [receiveMessage(sockets.theirBody, buffers)]),
    { name: 'client_attend', args: [pid, flags, buffers.control, line, line?.length ?? 0, setOf(wait.signals)] },
  ];
  post(callers, batch, () => undefined);
  if (sent.length > 0) call(own, sendDescriptors(sockets.body, sent));
  return next === undefined ? undefined : soon(own, sockets.connection);
}

/**
 * Waits for the end, briefly. Once this direction of the connection is shut, the caller's word of the end cannot be
 * sent any more, and it goes on by itself; if it was sent before, it is there.
 */
function soon(own: Kernel, connection: Fd): number | undefined {
  if (!isReadableWithin(own, connection, BRIEFLY_MS)) attempt(own, { name: 'shutdown', args: [connection, SHUT_RD] });
  const status = out(4);
  return attempt(own, receive(connection, status)) === 4 ? viewOf(status.bytes).getUint32(0, true) : undefined;
}
