/** A container in the hands of a program. */

import type { Readable, Writable } from 'node:stream';
import type { ContainerStats } from '../effects/cgroups/stats/types.ts';
import { awaitForeignExit } from '../effects/running/foreign-exit.ts';
import type { Container } from '../runtime/container/container.ts';
import { observe } from '../runtime/container/observe.ts';
import { pidsOf, processTable } from '../runtime/operations/ps.ts';
import { checkResources } from '../runtime/operations/resources-file.ts';
import { update } from '../runtime/operations/update.ts';
import { lookAt, type View } from '../runtime/store/look.ts';
import type { Config, LinuxResources } from '../spec/types.ts';
import { type WaitOptions, within } from './abort.ts';
import { type CheckpointOptions, checkpoint } from './checkpoint.ts';
import type { Child } from './children.ts';
import type { LibraryContext } from './context.ts';
import { type ExecOptions, execProcess } from './exec.ts';
import { type Exit, exitOf } from './exit.ts';
import type { Listener, Unsubscribe } from './hub.ts';
import type { ContainerId } from './id.ts';
import { type EventsOptions, statsOf, UsageEvents } from './measure.ts';
import type { ContainerProcess } from './process.ts';
import { Requests } from './requests.ts';
import { type Signal, signalNumber } from './signals.ts';
import { type ContainerState, containerStateOf } from './state.ts';
import type { Given } from './streams/given.ts';
import type { TerminalStream } from './streams/terminal.ts';
import { telling } from './telling.ts';

/** Intel RDT: schemata that an update changes, as in resctrl(7). */
export interface UpdateSchemas {
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
}

export class RunchartContainer {
  readonly id: ContainerId;
  readonly #context: LibraryContext;
  readonly #requests: Requests;
  /** Set where this process created the container: then the init is its child. */
  #init: Child | undefined;
  #given: Given | undefined;

  /** @internal `openRuntime` makes them */
  constructor(context: LibraryContext, id: ContainerId) {
    this.#context = context;
    this.#requests = new Requests(context, id);
    this.id = id;
  }

  /** @internal takes over a container that was just created, and lets go of its lock */
  adopt(created: Container, given?: Given, notifySocket?: string): void {
    this.#requests.notifySocket = notifySocket;
    this.#given = given;
    this.#adoptInit(created);
    this.#requests.keep(created);
  }

  /**
   * @internal takes over a container that was just created, and starts it
   * @param announce called before it is started
   */
  async begin(created: Container, announce: (pid: number) => void, notifySocket?: string): Promise<Child> {
    this.#requests.notifySocket = notifySocket;
    const child = this.#adoptInit(created);
    try {
      announce(child.pid);
      await this.#requests.begin(created);
      return child;
    } finally {
      this.#requests.keep(created);
    }
  }

  /** @internal whether this object has taken over the container that was created */
  get isOurs(): boolean {
    return this.#init !== undefined;
  }

  /** @throws Error for a container without an init: no creation leaves one */
  #adoptInit({ record: { init } }: Container): Child {
    if (init === undefined) throw new Error(`container ${this.id} has no init`);
    const child = this.#context.children.adopt(init.pid);
    this.#context.hub.follow(this.id, child.ended.then(exitOf));
    this.#init = child;
    return child;
  }

  /** What its process reads: of a container that was created with `stdin: 'pipe'` here. */
  get stdin(): Writable | undefined {
    return this.#given?.standard.stdin;
  }

  /** What its process writes: of a container that was created with `stdout: 'pipe'` here. */
  get stdout(): Readable | undefined {
    return this.#given?.standard.stdout;
  }

  /** The same of its standard error. */
  get stderr(): Readable | undefined {
    return this.#given?.standard.stderr;
  }

  /** Its terminal: of a container that was created with one here. */
  get terminal(): TerminalStream | undefined {
    return this.#given?.terminal;
  }

  /**
   * What the container is like now. It takes no lock and changes nothing.
   * @throws ContainerNotFoundError, ContainerDamagedError
   */
  state(): Promise<ContainerState> {
    return this.#telling(async () => {
      const { record, status } = await this.#look();
      return containerStateOf(record, status);
    });
  }

  /** The config that it was made from, with the limits of later updates. @throws ContainerNotFoundError */
  config(): Promise<Config> {
    return this.#telling(async () => (await this.#look()).record.config);
  }

  /**
   * Runs the container's program.
   * @throws WrongStateError; OperationError where the program could not be executed: then the container is stopped
   */
  start(): Promise<void> {
    return this.#telling(() => this.#requests.send({ type: 'start' }));
  }

  /** Freezes every process of the container. @throws WrongStateError */
  pause(): Promise<void> {
    return this.#telling(() => this.#requests.send({ type: 'pause' }));
  }

  /** Lets the processes of a paused container go on. @throws WrongStateError */
  resume(): Promise<void> {
    return this.#telling(() => this.#requests.send({ type: 'resume' }));
  }

  /**
   * Sends a signal to the container's init, or to `all` of its processes.
   * @param signal `SIGTERM`, `TERM` or 15
   * @throws InvalidArgumentError for what is no signal; WrongStateError
   */
  kill(signal: Signal = 'SIGTERM', { all = false } = {}): Promise<void> {
    return this.#telling(() => this.#requests.send({ type: 'kill', signal: signalNumber(signal), all }));
  }

  /**
   * Removes a stopped container. With `force` removes any, running or damaged, and does not mind if there is none.
   * @throws WrongStateError; ContainerNotFoundError unless `force` is given
   */
  delete({ force = false } = {}): Promise<void> {
    return this.#telling(() => this.#requests.delete(force));
  }

  /** What the container uses now. @throws WrongStateError unless it has processes; OperationError without a cgroup */
  stats(): Promise<ContainerStats> {
    return this.#telling(() => statsOf(this.#context, this.id));
  }

  /**
   * Measures at intervals what the container uses, and tells when it runs out of memory, until it ends:
   * `for await (const event of container.events())`. Whoever is slow gets the newest measurement.
   * @throws WrongStateError unless it has processes; OperationError without a cgroup; the signal's reason
   */
  events(options: EventsOptions = {}): UsageEvents {
    return new UsageEvents(this.#context, this.id, options);
  }

  /** The pids of its processes, as this process sees them. */
  pids(): Promise<readonly number[]> {
    return this.#telling(() => pidsOf(this.#context, this.id));
  }

  /**
   * What the host's ps(1) says of its processes, with a heading.
   * @param options of ps, which must show a column PID: `-ef` by default
   */
  ps(options: readonly string[] = []): Promise<string> {
    return this.#telling(async () => processTable(this.#context, await pidsOf(this.#context, this.id), options));
  }

  /**
   * Changes limits. What is not named stays as it is. If one is refused, none is changed.
   * @param resources as `linux.resources` of config.json
   * @throws ConfigError, WrongStateError
   */
  update(resources: LinuxResources, schemas: UpdateSchemas = {}): Promise<void> {
    return this.#telling(async () =>
      update(this.#context, this.id, await checkResources(resources, 'resources'), schemas),
    );
  }

  /**
   * Writes the container's processes to images, from which `runtime.restore` brings them back. Then the container is
   * deleted, unless it is to go on.
   * @throws WrongStateError, OperationError. Then the container goes on
   */
  checkpoint(options: CheckpointOptions): Promise<void> {
    return this.#telling(() => checkpoint(this.#context, this.id, options));
  }

  /**
   * Waits for the end of the container's process. It may be asked as often as one likes, and after `delete`.
   *
   * Of a container that another process created, the kernel tells how it ended since Linux 6.15, or where its parent
   * has not taken note yet, and only to whoever waits before the end.
   * @throws OperationError where nobody tells how it ended; ContainerNotFoundError; the signal's reason
   */
  wait(options: WaitOptions = {}): Promise<Exit> {
    return telling({ id: this.id, signal: options.signal }, () =>
      within(
        options,
        async (signal) => {
          if (this.#init !== undefined) return exitOf(await this.#init.exited(signal));
          const { init } = (await this.#look()).record;
          return exitOf(await awaitForeignExit(this.#context.platform, init, signal));
        },
        this.#context.closing.signal,
      ),
    );
  }

  /**
   * Starts another process in the container, running or only created. It is there at once, to be read from and written
   * to, and awaitable for its result: `const { stdout } = await container.exec({ args: ['hostname'] })`.
   */
  exec(options: ExecOptions): ContainerProcess {
    return execProcess(this.#context, this.id, options);
  }

  /** Deletes it, whatever state it is in, for `await using container = await runtime.create(…)`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.delete({ force: true });
    const { standard, terminal } = this.#given ?? {};
    for (const stream of [standard?.stdin, standard?.stdout, standard?.stderr, terminal]) stream?.destroy();
  }

  /**
   * Hears of every state that the container comes to, as far as this runtime knows: by its requests, and by the end of
   * a container that it has made. Others' requests are heard of with the next request.
   * @returns what ends the subscription
   */
  subscribe(listener: Listener): Unsubscribe {
    return this.#context.hub.subscribe((event) => {
      if (event.id === this.id) listener(event);
    });
  }

  #telling<T>(action: () => Promise<T>): Promise<T> {
    return telling({ id: this.id }, action);
  }

  #look(): Promise<View> {
    const { platform, root } = this.#context;
    const kernel = platform.local;
    return lookAt({ kernel, root, observe: (record) => observe(platform, record) }, this.id);
  }
}
