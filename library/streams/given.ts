/** What a process is given: standard descriptors or a terminal, further descriptors, and who is told of it. */

import { resolve } from 'node:path';
import { EffectError } from '../../effects/error.ts';
import { takeMaster } from '../../effects/foreground/terminal.ts';
import { connectSocket } from '../../effects/handover/sockets.ts';
import type { Inheritance } from '../../effects/session.ts';
import { fcntl } from '../../native/calls/files.ts';
import { socketPair } from '../../native/calls/pair.ts';
import { F } from '../../native/constants/files.ts';
import { Owned, OwnedStack } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { OpenStreams } from './open-streams.ts';
import { openStandard, type Standard, type StandardOptions } from './standard.ts';
import { type TerminalSize, TerminalStream } from './terminal.ts';

export interface HandoverOptions {
  /** Descriptors of the program that the process gets too, as 3, 4, … in this order. */
  readonly preserveFds?: readonly number[];
  /** Path of a file that the pid is written to. */
  readonly pidFile?: string;
  /** Path of a socket that the terminal's master is sent over. Then there is no stream for the terminal. */
  readonly consoleSocket?: string;
  /** Path of a socket that a pidfd of the process is sent over. */
  readonly pidfdSocket?: string;
}

export interface GivenOptions extends StandardOptions, HandoverOptions {
  /** A terminal instead of standard descriptors. Its size is in characters. */
  readonly terminal?: boolean | TerminalSize | undefined;
}

/** @see openGiven */
export interface Given {
  readonly inheritance: Inheritance;
  /** Absolute. */
  readonly pidFile: string | undefined;
  readonly standard: Standard;
  readonly terminal: TerminalStream | undefined;
  /** The process is there: takes its terminal, and closes what it has by now. */
  handedOver(): void;
  /** There will be no process. */
  abandon(): void;
}

type Usual = Parameters<typeof openStandard>[2];

/** @throws EffectError, SyscallError, TypeError; nothing is open then that was not before */
export function openGiven(streams: OpenStreams, options: GivenOptions, usual: Usual): Given {
  const { local } = streams.platform;
  const { terminal = false, preserveFds = [], consoleSocket, pidfdSocket, pidFile } = options;
  preserveFds.forEach((fd) => {
    if (attempt(local, fcntl(fd, F.GETFD, 0)) < 0) throw new EffectError(`preserveFds: descriptor ${fd} is not open`);
  });
  if (consoleSocket !== undefined && terminal === false)
    throw new TypeError('consoleSocket: this is for a process with a terminal');
  using opening = new OwnedStack();
  const standard = openStandard(streams, terminal === false ? options : {}, terminal === false ? usual : INHERITED);
  opening.defer(standard.abandon);
  const theirs = new OwnedStack();
  opening.use(theirs);
  const own = (fd: number): number => theirs.use(new Owned(local, fd)).fd;
  const pidfd =
    pidfdSocket === undefined ? undefined : own(connectSocket(local, 'the pidfd socket', resolve(pidfdSocket)));
  const master = terminal === false || consoleSocket !== undefined ? undefined : new Master(streams);
  if (master !== undefined) theirs.use(master);
  const console =
    consoleSocket === undefined
      ? master?.theirs
      : own(connectSocket(local, 'the console socket', resolve(consoleSocket)));
  opening.forget();
  return {
    standard,
    terminal: master?.stream,
    pidFile: pidFile === undefined ? undefined : resolve(pidFile),
    inheritance: {
      ...standard.inheritance,
      preserveFds: preserveFds.length,
      preserved: preserveFds,
      ...(console === undefined ? {} : { consoleSocket: console }),
      ...(pidfd === undefined ? {} : { pidfdSocket: pidfd }),
    },
    handedOver() {
      using _theirs = theirs;
      standard.close();
      master?.take();
    },
    abandon() {
      using _theirs = theirs;
      standard.abandon();
      master?.stream.destroy();
    },
  };
}

const INHERITED = ['inherit', 'inherit', 'inherit'] as const;

/** The terminal's master comes over a socket, once the process has made its terminal. */
class Master {
  readonly stream: TerminalStream;
  readonly theirs: number;
  readonly #streams: OpenStreams;
  readonly #ours: Owned;
  readonly #both = new OwnedStack();

  constructor(streams: OpenStreams) {
    const { local } = streams.platform;
    const [ours, theirs] = socketPair(local);
    this.#streams = streams;
    this.#ours = this.#both.use(new Owned(local, ours));
    this.theirs = this.#both.use(new Owned(local, theirs)).fd;
    this.stream = new TerminalStream(streams);
  }

  take(): void {
    const { local } = this.#streams.platform;
    this.stream.open(new Owned(local, takeMaster(local, this.#ours.fd)));
  }

  [Symbol.dispose](): void {
    this.#both[Symbol.dispose]();
  }
}
