/** The standard descriptors of a process, as a program asks for them: opened for it, and our ends as streams. */

import type { Writable } from 'node:stream';
import { doing, EffectError } from '../../effects/error.ts';
import type { Inheritance } from '../../effects/session.ts';
import { fcntl, openat } from '../../native/calls/files.ts';
import { pipe } from '../../native/calls/pair.ts';
import { AT, F, O } from '../../native/constants/files.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, OwnedStack, opened } from '../../native/kernel/owned.ts';
import { call } from '../../native/kernel/perform.ts';
import { feed, pump, sourceOf } from './feed.ts';
import type { OpenStreams } from './open-streams.ts';
import type { ErrorOutput, Input, Output } from './places.ts';
import { OutputStream } from './reading.ts';
import { InputStream } from './writing.ts';

type Word = 'pipe' | 'inherit' | 'ignore';

export interface StandardOptions {
  readonly stdin?: Input;
  readonly stdout?: Output;
  readonly stderr?: ErrorOutput;
  /** All three at once. What is given alone counts. */
  readonly stdio?: Word | readonly [stdin: Input, stdout: Output, stderr: ErrorOutput];
}

/** The standard descriptors of a process that is about to be made. */
export interface Standard {
  readonly inheritance: Pick<Inheritance, 'stdio' | 'pipes'>;
  /** Where the process's end is a pipe of ours that the program is to use. */
  readonly stdin?: InputStream;
  readonly stdout?: OutputStream;
  readonly stderr?: OutputStream;
  /** Ends when the program's own streams have been carried to their ends. It rejects where one of them fails. */
  readonly carried: Promise<void>;
  /** The process has ended: nobody reads its input any more, and what the program's streams get is what it wrote. */
  ended(): void;
  /** Closes what the process has by now, or never will have. */
  close(): void;
  /** Ends every stream, since there will be no process. */
  abandon(): void;
}

/** @param usual what counts where nothing is given. @throws EffectError, SyscallError; nothing is open then */
export function openStandard(
  streams: OpenStreams,
  options: StandardOptions,
  usual: readonly [Word, Word, Word],
): Standard {
  const { stdin, stdout, stderr } = wanted(options, usual);
  const opening = new Opening(streams);
  try {
    const input = opening.input(stdin);
    const output = opening.output(1, stdout);
    const error = stderr === 'stdout' ? output : opening.output(2, stderr);
    return opening.done([input, output, error], { stdout, stderr });
  } catch (error) {
    opening.abandon();
    throw error;
  }
}

interface Wanted {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: ErrorOutput;
}

function wanted({ stdin, stdout, stderr, stdio }: StandardOptions, usual: readonly [Word, Word, Word]): Wanted {
  const all = stdio === undefined ? usual : typeof stdio === 'string' ? ([stdio, stdio, stdio] as const) : stdio;
  if (all.length !== 3) throw new TypeError('stdio: three entries are needed, for stdin, stdout and stderr');
  return { stdin: stdin ?? all[0], stdout: stdout ?? all[1], stderr: stderr ?? all[2] };
}

class Opening {
  readonly #streams: OpenStreams;
  readonly #theirs = new OwnedStack();
  readonly #pipes: Fd[] = [];
  #source: ReturnType<typeof sourceOf> | undefined;
  readonly #made: { stdin?: InputStream; stdout?: OutputStream; stderr?: OutputStream } = {};

  constructor(streams: OpenStreams) {
    this.#streams = streams;
  }

  input(given: Input): Fd {
    if (given === 'inherit') return 0;
    if (given === 'ignore') return this.#open('stdin', '/dev/null', O.RDONLY);
    if (typeof given === 'number') return this.#taken('stdin', given);
    if (isFile(given)) return this.#open('stdin', given.file, O.RDONLY);
    if (given !== 'pipe') this.#source = sourceOf(given);
    const [reading, writing] = this.#pipe();
    this.#made.stdin = new InputStream(this.#streams, new Owned(this.#local, writing));
    return this.#give(reading);
  }

  output(which: 1 | 2, given: Output): Fd {
    const name = which === 1 ? 'stdout' : 'stderr';
    if (given === 'inherit') return which;
    if (given === 'ignore') return this.#open(name, '/dev/null', O.WRONLY);
    if (typeof given === 'number') return this.#taken(name, given);
    if (isFile(given)) return this.#open(name, given.file, O.WRONLY | O.CREAT | (given.append ? O.APPEND : O.TRUNC));
    if (given !== 'pipe' && !isObject(given)) throw new TypeError(`${name}: ${String(given)} is no place for output`);
    const [reading, writing] = this.#pipe();
    this.#made[name] = new OutputStream(this.#streams, new Owned(this.#local, reading));
    return this.#give(writing);
  }

  done(stdio: Inheritance['stdio'], { stdout, stderr }: Pick<Wanted, 'stdout' | 'stderr'>): Standard {
    const made = this.#made;
    const carrying: Promise<void>[] = [];
    const pumped: OutputStream[] = [];
    const { stdin: input, stdout: output, stderr: error } = made;
    if (input !== undefined && this.#source !== undefined) {
      carrying.push(feed(this.#source, input));
      delete made.stdin;
    }
    if (output !== undefined && isSink(stdout)) {
      carrying.push(pump(output, stdout));
      pumped.push(output);
      delete made.stdout;
    }
    if (error !== undefined && isSink(stderr)) {
      carrying.push(pump(error, stderr));
      pumped.push(error);
      delete made.stderr;
    }
    const carried = Promise.all(carrying).then(() => undefined);
    carried.catch(() => undefined);
    return {
      ...made,
      inheritance: { stdio, ...(this.#pipes.length === 0 ? {} : { pipes: this.#pipes }) },
      carried,
      ended() {
        input?.destroy();
        for (const stream of pumped) stream.endWhenEmpty();
      },
      close: () => this.#theirs[Symbol.dispose](),
      abandon: () => {
        for (const stream of [input, output, error]) stream?.destroy();
        this.#theirs[Symbol.dispose]();
      },
    };
  }

  abandon(): void {
    for (const stream of Object.values(this.#made)) stream.destroy();
    this.#theirs[Symbol.dispose]();
  }

  get #local() {
    return this.#streams.platform.local;
  }

  #pipe(): readonly [Fd, Fd] {
    return doing('make a pipe for the container', () => pipe(this.#local, O.CLOEXEC));
  }

  #give(fd: Fd): Fd {
    this.#pipes.push(fd);
    return this.#theirs.use(new Owned(this.#local, fd)).fd;
  }

  /** A fifo is not waited for. */
  #open(name: string, path: string, flags: number): Fd {
    return doing(`open ${path} as ${name}`, () => {
      const file = this.#theirs.use(opened(this.#local, openat(AT.FDCWD, path, flags | O.NOCTTY | O.NONBLOCK, 0o666)));
      call(this.#local, fcntl(file.fd, F.SETFL, flags & O.APPEND));
      return file.fd;
    });
  }

  #taken(name: string, fd: number): Fd {
    if (!Number.isInteger(fd) || fd < 0) throw new TypeError(`${name}: ${fd} is no descriptor`);
    try {
      call(this.#local, fcntl(fd, F.GETFD, 0));
    } catch (error) {
      throw new EffectError(`${name}: descriptor ${fd} is not open`, { cause: error });
    }
    return fd;
  }
}

const isObject = (given: Input | ErrorOutput): given is Exclude<Output, string | number> => typeof given === 'object';

const isSink = (given: ErrorOutput): given is Writable | WritableStream => isObject(given) && !isFile(given);

const isFile = <Given extends Input | Output>(given: Given): given is Extract<Given, { readonly file: string }> =>
  typeof given === 'object' && 'file' in given && typeof given.file === 'string';
