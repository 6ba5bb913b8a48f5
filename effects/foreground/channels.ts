/** What a foreground command copies between its caller and the container: by a terminal, by pipes, or nothing. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import { borrowed, closeAll, owned, reopenedSink } from './ends.ts';
import { Stream } from './stream.ts';

/** This process's ends; undefined where the container has the caller's own descriptor. */
interface PipeEnds {
  readonly input?: number;
  readonly output?: number;
  readonly error?: number;
}

export interface Channels {
  readonly inputs: readonly Stream[];
  readonly outputs: readonly Stream[];
  /** Closes all ends: those of the container's too. */
  close(): void;
}

/** Closes each descriptor once, whichever of those who may comes first. */
function owner(local: Kernel) {
  const open = new Set<number>();
  return {
    take(fd: number): number {
      open.add(fd);
      return fd;
    },
    close(fd: number): void {
      if (open.delete(fd)) closeAll(local, [fd]);
    },
    closeAll(): void {
      closeAll(local, [...open]);
      open.clear();
    },
  };
}

type Owner = ReturnType<typeof owner>;

/**
 * @param master owned from here on
 * @throws SyscallError
 */
export function terminalChannels(local: Kernel, stdio: readonly [number, number, number], master: number): Channels {
  const owners = owner(local);
  const container = owned(local, owners.take(master));
  // The end of the input ends nothing: a terminal goes on without anybody typing.
  const input = new Stream(local, borrowed(stdio[0]), container);
  const output = new Stream(local, container, sink(local, owners, stdio[1]), {
    // Nobody sees the terminal any more: hang up, so that the container hears of it.
    broken() {
      input.stop();
      owners.close(master);
    },
  });
  return { inputs: [input], outputs: [output], close: () => owners.closeAll() };
}

/**
 * @param ends owned from here on
 * @throws SyscallError
 */
export function pipeChannels(local: Kernel, stdio: readonly [number, number, number], ends: PipeEnds): Channels {
  const owners = owner(local);
  const inputs: Stream[] = [];
  const outputs: Stream[] = [];
  const { input } = ends;
  if (input !== undefined) {
    const close = () => owners.close(input);
    inputs.push(
      new Stream(local, borrowed(stdio[0]), owned(local, owners.take(input)), { ended: close, broken: close }),
    );
  }
  for (const [end, fd] of [
    [ends.output, stdio[1]],
    [ends.error, stdio[2]],
  ] as const) {
    if (end === undefined) continue;
    const close = () => owners.close(end);
    const source = owned(local, owners.take(end));
    outputs.push(new Stream(local, source, sink(local, owners, fd), { ended: close, broken: close }));
  }
  return { inputs, outputs, close: () => owners.closeAll() };
}

function sink(local: Kernel, owners: Owner, fd: number) {
  const end = reopenedSink(local, fd);
  if (end.ours) owners.take(end.fd);
  return end;
}
