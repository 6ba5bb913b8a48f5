/**
 * What a foreground command copies between its caller and the container: through a terminal, through pipes, or nothing.
 */

import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { callersSink, callersSource, type OwnedEnd, ourEnd } from './ends.ts';
import { Stream } from './stream.ts';

/**
 * This process's ends of the container's pipes. An end is undefined where the container has the caller's own
 * descriptor.
 */
export interface PipeEnds {
  readonly input?: Owned;
  readonly output?: Owned;
  readonly error?: Owned;
}

export interface Relay {
  /** What comes from the caller. */
  readonly inputs: readonly Stream[];
  /** What comes from the container. */
  readonly outputs: readonly Stream[];
  /** Closes all ends: those of the container's too. */
  close(): void;
}

/** The caller's standard input, output and error. */
type Stdio = readonly [stdin: Fd, stdout: Fd, stderr: Fd];

/**
 * @param master of the container's terminal; the relay closes it
 * @throws SyscallError
 */
export function terminalRelay(local: Kernel, [stdin, stdout]: Stdio, master: Fd): Relay {
  using ends = new DisposableStack();
  const container = ends.use(ourEnd(local, new Owned(local, master)));
  const source = ends.use(callersSource(local, stdin));
  const sink = ends.use(callersSink(local, stdout));
  // The end of the input ends nothing: a terminal goes on without anybody typing.
  const input = new Stream(local, source, container);
  const output = new Stream(local, container, sink, {
    // Nobody sees the terminal any more. With the master closed it hangs up, and the container hears of it.
    broken() {
      input.stop();
      container[Symbol.dispose]();
    },
  });
  return relayOf([input], [output], ends);
}

/**
 * @param pipes the relay closes them
 * @throws SyscallError
 */
export function pipeRelay(local: Kernel, [stdin, stdout, stderr]: Stdio, { input, output, error }: PipeEnds): Relay {
  using ends = new DisposableStack();
  const streamOf = (source: OwnedEnd, sink: OwnedEnd): Stream => {
    const closeBoth = (): void => {
      source[Symbol.dispose]();
      sink[Symbol.dispose]();
    };
    return new Stream(local, source, sink, { ended: closeBoth, broken: closeBoth });
  };
  const inward = (pipe: Owned, fd: Fd): Stream =>
    streamOf(ends.use(callersSource(local, fd)), ends.use(ourEnd(local, pipe, 'pipe')));
  const outward = (pipe: Owned, fd: Fd): Stream =>
    streamOf(ends.use({ ...ourEnd(local, pipe, 'pipe'), growing: true }), ends.use(callersSink(local, fd)));
  const inputs = input === undefined ? [] : [inward(input, stdin)];
  const outputs = [
    ...(output === undefined ? [] : [outward(output, stdout)]),
    ...(error === undefined ? [] : [outward(error, stderr)]),
  ];
  return relayOf(inputs, outputs, ends);
}

function relayOf(inputs: readonly Stream[], outputs: readonly Stream[], ends: DisposableStack): Relay {
  const kept = ends.move();
  return { inputs, outputs, close: () => kept.dispose() };
}
