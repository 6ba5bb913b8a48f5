/** What a foreground command copies between its caller and the container: by a terminal, by pipes, or nothing. */

import type { Kernel } from '../../native/kernel/kernel.ts';
import { callersSink, callersSource, closeAll, owned } from './ends.ts';
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
    /** What may be one of the caller's, or ours. */
    keep<T extends { readonly fd: number; readonly ours: boolean }>(end: T): T {
      if (end.ours) open.add(end.fd);
      return end;
    },
    close(...fds: readonly number[]): void {
      closeAll(
        local,
        fds.filter((fd) => open.delete(fd)),
      );
    },
    closeAll(): void {
      closeAll(local, [...open]);
      open.clear();
    },
  };
}

/**
 * @param master owned from here on
 * @throws SyscallError
 */
export function terminalChannels(local: Kernel, stdio: readonly [number, number, number], master: number): Channels {
  const owners = owner(local);
  const container = owned(local, owners.take(master));
  // The end of the input ends nothing: a terminal goes on without anybody typing.
  const input = new Stream(local, owners.keep(callersSource(local, stdio[0])), container);
  const output = new Stream(local, container, owners.keep(callersSink(local, stdio[1])), {
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
    const source = owners.keep(callersSource(local, stdio[0]));
    const close = () => owners.close(input, source.fd);
    inputs.push(new Stream(local, source, owned(local, owners.take(input), 'pipe'), { ended: close, broken: close }));
  }
  for (const [end, fd] of [
    [ends.output, stdio[1]],
    [ends.error, stdio[2]],
  ] as const) {
    if (end === undefined) continue;
    const sink = owners.keep(callersSink(local, fd));
    const close = () => owners.close(end, sink.fd);
    const source = { ...owned(local, owners.take(end), 'pipe'), growing: true };
    outputs.push(new Stream(local, source, sink, { ended: close, broken: close }));
  }
  return { inputs, outputs, close: () => owners.closeAll() };
}
