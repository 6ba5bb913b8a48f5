/**
 * The descriptors of a resident engine. Its own lie high: those below are for the caller's, which a command finds at
 * the caller's numbers, and for what a command opens. After a command none of them may be left.
 */

import { close, closeRange, dup3, duplicateAbove } from '../../native/calls/files.ts';
import type { Call, Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { u64s, viewOf } from '../../native/kernel/struct.ts';

/** The first descriptor that is the engine's own. */
export const OWN_FROM: Fd = 128;

const STANDARD = [0, 1, 2] as const;

/** Calls by which a process that becomes an engine fills what is below its own descriptors. @param filler is open */
export const placeholders = (filler: Fd, from: Fd): readonly Call[] =>
  Array.from({ length: OWN_FROM - from }, (_, i) => dup3(filler, from + i));

export function closeBelow(kernel: Kernel): void {
  perform(kernel, [closeRange(3, OWN_FROM - 1)]);
}

/** What came along with a request, by its place (native/resident/protocol.h). */
export interface Received {
  readonly body: Fd;
  readonly stdio: readonly Fd[];
  readonly stage: { readonly socket: Fd; readonly channel: Fd } | undefined;
  readonly preserved: readonly Fd[];
}

export function received(fds: readonly Fd[], staged: boolean): Received {
  const [body = -1, stdin = -1, stdout = -1, stderr = -1, ...others] = fds;
  const [socket = -1, channel = -1] = others;
  return {
    body,
    stdio: [stdin, stdout, stderr],
    stage: staged ? { socket, channel } : undefined,
    preserved: staged ? others.slice(2) : others,
  };
}

/** What a command has of its caller's, at its places. */
export interface Placed {
  readonly body: Fd;
  readonly connection: Fd;
  readonly stage: { readonly socket: Fd; readonly channel: Fd } | undefined;
  /** What to close in the end, besides the standard descriptors. */
  readonly all: readonly Fd[];
}

/** Places the caller's descriptors where the command expects them: 0, 1, 2, and from 3 on what is preserved. */
export function place(kernel: Kernel, connection: Fd, { body, stdio, stage, preserved }: Received): Placed {
  perform(kernel, [...stdio.map((fd, to) => dup3(fd, to)), ...stdio.map((fd) => close(fd))]);
  if (preserved.length === 0)
    return { body, connection, stage, all: [body, connection, ...(stage ? [stage.socket, stage.channel] : [])] };
  const away = (fd: Fd): Fd => {
    const moved = call(kernel, duplicateAbove(fd, OWN_FROM));
    attempt(kernel, close(fd));
    return moved;
  };
  const [movedBody, movedConnection] = [away(body), away(connection)];
  const movedStage = stage && { socket: away(stage.socket), channel: away(stage.channel) };
  const high = preserved.map(away);
  perform(kernel, [...high.map((fd, i) => dup3(fd, 3 + i)), ...high.map((fd) => close(fd))]);
  return {
    body: movedBody,
    connection: movedConnection,
    stage: movedStage,
    all: [
      ...[movedBody, movedConnection],
      ...(movedStage ? [movedStage.socket, movedStage.channel] : []),
      ...high.map((_, i) => 3 + i),
    ],
  };
}

export const closeAll = (kernel: Kernel, fds: readonly Fd[]): void => {
  kernel.submit(fds.map((fd) => ({ ...close(fd), mayFail: true })));
};

/** Lets go of the caller's standard descriptors. @param nothing an open /dev/null */
export const forgetStandard = (kernel: Kernel, nothing: Fd): void => {
  perform(
    kernel,
    STANDARD.map((to) => dup3(nothing, to)),
  );
};

const POLLFD_BYTES = 8;

/** All numbers below the engine's own, as poll(2) takes them. It calls each one ready that is not open. */
export function watchBelow(): (kernel: Kernel) => boolean {
  const count = OWN_FROM - 3;
  const fds = new Uint8Array(count * POLLFD_BYTES);
  for (let i = 0; i < count; i++) viewOf(fds).setInt32(i * POLLFD_BYTES, 3 + i, true);
  const look: Call = { name: 'ppoll', args: [fds, count, u64s(0, 0), null, 0], mayFail: true };
  return (kernel) => attempt(kernel, look) === count;
}
