/** A process of a container in the hands of a program: at once, and awaitable for its result. */

import { Readable, Writable } from 'node:stream';
import { kill } from '../native/calls/process.ts';
import { attempt } from '../native/kernel/perform.ts';
import { type WaitOptions, within } from './abort.ts';
import type { Child } from './children.ts';
import type { LibraryContext } from './context.ts';
import { type Exit, exitOf } from './exit.ts';
import type { ProcessResult } from './result.ts';
import { type Signal, signalNumber } from './signals.ts';
import { type Given, type GivenOptions, openGiven } from './streams/given.ts';
import { type Kept, keep } from './streams/kept.ts';
import { linesOf } from './streams/lines.ts';
import type { TerminalStream } from './streams/terminal.ts';
import { telling } from './telling.ts';
import { unless } from './unless.ts';

export interface ProcessOptions extends GivenOptions {
  /** In milliseconds: a process that runs for longer is killed by SIGKILL. The result says so. */
  readonly timeout?: number | undefined;
  /** Kills the process by SIGKILL. What awaits its result is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How many bytes of each of stdout and stderr the result keeps. By default 10 MiB. More is read, and forgotten. */
  readonly maxBuffer?: number | undefined;
}

/** How a process comes to be, and what follows its end. */
export interface Maker {
  /** The container's id, for errors. */
  readonly id: string;
  /** Whether the program goes on until the process has ended, also where nobody awaits it. */
  readonly holdsProgram: boolean;
  /** @throws what there is to tell; no process is left then */
  make(given: Given, signal: AbortSignal | undefined): Promise<Child>;
  /** Called once it has ended. @returns whether the kernel ran out of memory for it */
  end(): Promise<boolean>;
}

const MAX_BUFFER = 10 << 20;

/** setTimeout takes no more. */
const LONGEST_TIMER_MS = 0x7fff_ffff;

export class ContainerProcess implements Promise<ProcessResult>, AsyncDisposable {
  readonly [Symbol.toStringTag] = 'ContainerProcess';
  /** When its program runs. It rejects where that could not be started. */
  readonly started: Promise<void>;
  readonly #context: LibraryContext;
  readonly #options: ProcessOptions;
  readonly #holdsProgram: boolean;
  readonly #given: Given | undefined;
  readonly #making: Promise<Child>;
  readonly #ending: Promise<{ readonly exit: Exit; readonly durationMs: number; readonly outOfMemory: boolean }>;
  readonly #taken = new Set<unknown>();
  /** Signals that were sent before there was a process. */
  readonly #early: number[] = [];
  #child: Child | undefined;
  #result: Promise<ProcessResult> | undefined;
  #isTimedOut = false;
  #aborted: { readonly reason: unknown } | undefined;

  /** @internal `exec` and `run` make them */
  constructor(context: LibraryContext, options: ProcessOptions, maker: Maker) {
    this.#context = context;
    this.#options = options;
    this.#holdsProgram = maker.holdsProgram;
    const { signal } = options;
    let given: Given | undefined;
    this.#making = telling({ id: maker.id, signal }, async () => {
      signal?.throwIfAborted();
      given = openGiven(context.streams, options, ['ignore', 'pipe', 'pipe']);
      return this.#make(maker, given);
    });
    this.#given = given;
    this.started = this.#making.then(() => undefined);
    this.#ending = this.#live(maker);
    this.#ending.catch(() => undefined);
  }

  /** As this program sees it, once it has started. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** With `stdin: 'pipe'`. */
  get stdin(): Writable | undefined {
    return this.#given?.standard.stdin;
  }

  /** With `stdout: 'pipe'`. Whoever asks for it reads it: the result does not hold it then. */
  get stdout(): Readable | undefined {
    return this.#take(this.#given?.standard.stdout);
  }

  /** With `stderr: 'pipe'`. Whoever asks for it reads it: the result does not hold it then. */
  get stderr(): Readable | undefined {
    return this.#take(this.#given?.standard.stderr);
  }

  /** With `terminal`. Whoever asks for it reads it: the result does not hold it then. */
  get terminal(): TerminalStream | undefined {
    return this.#take(this.#given?.terminal);
  }

  /** The same streams, as the web has them. */
  web(): { readonly stdin?: WritableStream; readonly stdout?: ReadableStream; readonly stderr?: ReadableStream } {
    const { stdin, stdout, stderr } = this;
    return {
      ...(stdin && { stdin: Writable.toWeb(stdin) as WritableStream }),
      ...(stdout && { stdout: Readable.toWeb(stdout) as ReadableStream }),
      ...(stderr && { stderr: Readable.toWeb(stderr) as ReadableStream }),
    };
  }

  /** The lines that it writes, as they come: `for await (const line of process.lines())`. */
  async *lines(of: 'stdout' | 'stderr' | 'terminal' = 'stdout'): AsyncGenerator<string, void, undefined> {
    const stream = this[of];
    await this.started;
    if (stream === undefined) throw new TypeError(`${of} is no stream: it was to go elsewhere`);
    yield* linesOf(stream);
  }

  /** The lines of its standard output. */
  [Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    return this.lines();
  }

  /** Waits for its end, whatever becomes of its streams. It may be asked as often as one likes. */
  wait(options: WaitOptions = {}): Promise<Exit> {
    this.started.catch(() => undefined);
    return telling({ signal: options.signal }, () =>
      within(
        options,
        async (signal) => exitOf(await (await unless(signal, this.#making)).exited(signal)),
        this.#context.closing.signal,
      ),
    );
  }

  /**
   * Sends it a signal: `SIGTERM`, `TERM` or 15. One that has not started yet gets it when it has.
   * @returns false where it has ended
   * @throws InvalidArgumentError for what is no signal
   */
  kill(signal: Signal = 'SIGTERM'): boolean {
    const number = signalNumber(signal);
    const child = this.#child;
    if (child !== undefined) return this.#send(child, number);
    this.#early.push(number);
    return true;
  }

  /** Awaits the result: whatever its status, it is no error. @throws RunchartError where it could not be started */
  // biome-ignore lint/suspicious/noThenProperty: it is awaitable on purpose, as a child process of execa is
  then<Ok = ProcessResult, Failed = never>(
    onFulfilled?: ((result: ProcessResult) => Ok | PromiseLike<Ok>) | null,
    onRejected?: ((reason: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Ok | Failed> {
    return this.#awaited().then(onFulfilled, onRejected);
  }

  catch<Failed = never>(
    onRejected?: ((reason: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<ProcessResult | Failed> {
    return this.#awaited().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<ProcessResult> {
    return this.#awaited().finally(onFinally);
  }

  /** Kills it, and waits until it is gone, and its streams with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.started.catch(() => undefined);
    this.kill('SIGKILL');
    try {
      await (await this.#making).exited();
      await this.#ending;
    } catch {
      // It has never been there; or how it ended is not known.
    }
    const { standard, terminal } = this.#given ?? {};
    for (const stream of [standard?.stdin, standard?.stdout, standard?.stderr, terminal]) stream?.destroy();
  }

  async #make(maker: Maker, given: Given): Promise<Child> {
    try {
      const child = await maker.make(given, this.#options.signal);
      this.#child = child;
      given.handedOver();
      for (const signal of this.#early) this.#send(child, signal);
      return child;
    } catch (error) {
      given.abandon();
      throw error;
    }
  }

  /** From its start to its end, whoever awaits it. */
  async #live(maker: Maker) {
    const began = performance.now();
    const child = await this.#making;
    const { signal, timeout } = this.#options;
    const abort = (event?: Event): void => {
      const reason = event?.target instanceof AbortSignal ? event.target.reason : signal?.reason;
      if (this.#send(child, SIGKILL)) this.#aborted = { reason };
    };
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const closing = maker.holdsProgram ? this.#context.closing.signal : undefined;
    closing?.addEventListener('abort', abort);
    const timer =
      timeout === undefined ? undefined : setTimeout(() => this.#timeOut(child), Math.min(timeout, LONGEST_TIMER_MS));
    if (!maker.holdsProgram) timer?.unref();
    try {
      const exit = exitOf(await (maker.holdsProgram ? child.exited() : child.ended));
      const durationMs = performance.now() - began;
      this.#given?.standard.ended();
      return { exit, durationMs, outOfMemory: await maker.end() };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      closing?.removeEventListener('abort', abort);
    }
  }

  #timeOut(child: Child): void {
    this.#isTimedOut = this.#send(child, SIGKILL);
  }

  #send(child: Child, signal: number): boolean {
    return child.unreaped && attempt(this.#context.platform.local, kill(child.pid, signal)) >= 0;
  }

  #take<Stream>(stream: Stream): Stream {
    this.#taken.add(stream);
    if (stream !== undefined) this.started.catch(() => undefined);
    return stream;
  }

  #awaited(): Promise<ProcessResult> {
    this.started.catch(() => undefined);
    this.#result ??= this.#collect();
    return this.#result;
  }

  async #collect(): Promise<ProcessResult> {
    const { maxBuffer = MAX_BUFFER } = this.#options;
    const { standard, terminal } = this.#given ?? {};
    const kept = (stream = terminal ?? standard?.stdout): Kept | undefined =>
      stream === undefined || this.#taken.has(stream) ? undefined : keep(stream, maxBuffer);
    const out = kept();
    const error = standard?.stderr && kept(standard.stderr);
    await (await this.#making).exited(this.#holdsProgram ? undefined : this.#context.closing.signal);
    const { exit, durationMs, outOfMemory } = await this.#ending;
    for (const one of [out, error]) one?.stop();
    await Promise.all([out?.ended, error?.ended, standard?.carried]);
    if (this.#aborted !== undefined) throw this.#aborted.reason;
    return {
      ...exit,
      stdout: out?.text() ?? '',
      stderr: error?.text() ?? '',
      truncated: (out?.isTruncated ?? false) || (error?.isTruncated ?? false),
      durationMs,
      outOfMemory,
      timedOut: this.#isTimedOut,
    };
  }
}

const SIGKILL = 9;
