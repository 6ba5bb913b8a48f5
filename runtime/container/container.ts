/**
 * A container in the hands of a command: its directory, its machine and the command's effects as one thing that takes
 * requests. The chart says what is written to disk, and when.
 */

import { createActor, type InspectionEvent, type Observer } from 'xstate';
import { type Answer, ask, type ContainerActor } from '../../machines/ask.ts';
import { containerMachine } from '../../machines/container.ts';
import type { ContainerEffects } from '../../machines/contract.ts';
import type { Request } from '../../machines/events.ts';
import { persistedState, recordOf, restored } from '../../machines/persisted.ts';
import { mayHaveChanged, needsLock } from '../../machines/rules.ts';
import { statusOf } from '../../machines/status.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import type { Status } from '../../spec/types.ts';
import {
  closeDirectory,
  type Directory,
  openDirectory,
  readState,
  removeDirectory,
  writeState,
} from '../store/directory.ts';
import { lock, type Patience, unlock } from '../store/lock.ts';
import { encodeState, type Stored } from '../store/state-file.ts';

/** Where a container's machine has got to. */
export interface LifecycleChange {
  readonly id: string;
  /** undefined before the container is created and after it is deleted. */
  readonly status: Status | undefined;
  /** The machine's state, as XState has it: `{ creating: 'rootfs' }`, `'starting'`. */
  readonly value: unknown;
  /** The pid of the container's init, as this process sees it. undefined before there is one. */
  readonly pid: number | undefined;
}

/** The effects that a command brings along. Those on the container's directory are added here. */
export type CommandEffects = Omit<ContainerEffects, 'save' | 'removeState'>;

/** What it takes to make or to open a container. */
export interface OpenOptions {
  readonly kernel: Kernel;
  /** Absolute path of the state root. */
  readonly root: string;
  /** Valid (spec/id.ts). */
  readonly id: string;
  readonly effects: CommandEffects;
  readonly patience: Patience;
  /** The default cgroup of a container of this name: where `force` looks when a damaged state.json names none. */
  readonly guessCgroup?: () => CgroupRecord | undefined;
  /** Hears of every state that the machine comes to. */
  readonly onChange?: (change: LifecycleChange) => void;
  /** XState's inspection of the machine. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
}

/** What the machine starts from: the record of a new container, or what state.json says. */
export type Origin =
  | { readonly record: ContainerRecord; readonly locked: true }
  | { readonly stored: Stored; readonly text: string | undefined; readonly locked: boolean };

export class Container {
  readonly actor: ContainerActor;
  readonly #options: OpenOptions;
  #directory: Directory;
  /** The text of state.json, as this command last read or wrote it. */
  #written: string | undefined;
  #isLocked: boolean;
  #isResting = false;
  #isClosed = false;
  #lastAnswer: Promise<unknown> = Promise.resolve();

  /** @param directory that `close` closes */
  constructor(options: OpenOptions, directory: Directory, origin: Origin) {
    this.#options = options;
    this.#directory = directory;
    this.#written = 'text' in origin ? origin.text : undefined;
    this.#isLocked = origin.locked;
    const { id, inspect, onChange } = options;
    const effects = this.#allEffects();
    this.actor = createActor(containerMachine, {
      id,
      ...('record' in origin
        ? { input: { record: origin.record, effects } }
        : restored(origin.stored.state, origin.stored.record, effects)),
      ...(inspect === undefined ? {} : { inspect }),
    });
    if (onChange !== undefined) listenTo(this.actor, onChange);
    this.actor.start();
  }

  get record(): ContainerRecord {
    return recordOf(this.actor.getSnapshot().context);
  }

  /** undefined before the container is created and after it is deleted. */
  get status(): Status | undefined {
    return statusOf(this.actor.getSnapshot());
  }

  /** Whether this command holds the lock. */
  get locked(): boolean {
    return this.#isLocked;
  }

  /** Requests are served one after the other. */
  request(request: Request): Promise<Answer> {
    const answer = this.#lastAnswer.then(() => this.#serve(request));
    this.#lastAnswer = answer.catch(() => undefined);
    return answer;
  }

  async #serve(request: Request): Promise<Answer> {
    if (!this.#isLocked && needsLock(request.type))
      throw new TypeError(`${request.type}: this needs the container's lock`);
    return ask(this.actor, request);
  }

  /** Lets other commands work on the container, until `reacquire`. */
  release(): void {
    this.#isLocked = false;
    unlock(this.#options.kernel, this.#directory);
  }

  /** Lets other commands work on the container for a long time: no descriptor is held until `reacquire`. */
  rest(): void {
    this.#isLocked = false;
    if (!this.#isResting) closeDirectory(this.#options.kernel, this.#directory);
    this.#isResting = true;
  }

  /**
   * Takes the lock again, and tells the machine what happened meanwhile.
   * @returns false where another command has changed the container's record: then close it, and open it anew
   * @throws StoreError `missing`, `busy`
   */
  async reacquire(): Promise<boolean> {
    const { kernel, root, id, patience } = this.#options;
    if (this.#isResting) this.#directory = openDirectory(kernel, root, id);
    this.#isResting = false;
    await lock(kernel, this.#directory, patience);
    this.#isLocked = true;
    if (readState(kernel, this.#directory) !== this.#written) return false;
    await this.observe();
    return true;
  }

  /** Asks the kernel what happened to the container while nobody watched, and tells the machine. */
  async observe(): Promise<void> {
    const { value, context } = this.actor.getSnapshot();
    const state = persistedState(value);
    if (state === undefined || !mayHaveChanged(state)) return;
    this.actor.send({ type: 'observed', facts: await this.#options.effects.observe(context) });
  }

  /** Stops the machine, and lets go of the lock and the directory. To call it twice does no harm. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.actor.stop();
    this.rest();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #allEffects(): ContainerEffects {
    const { kernel, effects } = this.#options;
    return {
      ...effects,
      save: (record, state) => {
        const text = encodeState({ record, state });
        if (text === this.#written) return;
        writeState(kernel, this.#directory, text);
        this.#written = text;
      },
      removeState: () => removeDirectory(kernel, this.#directory),
    };
  }
}

/** Tells of changes alone: XState tells its subscribers of events that change nothing, too. */
function listenTo(actor: ContainerActor, onChange: (change: LifecycleChange) => void): void {
  let last: unknown;
  actor.subscribe((snapshot) => {
    const { value, context } = snapshot;
    if (value === last) return;
    last = value;
    onChange({ id: context.id, status: statusOf(snapshot), value, pid: context.init?.pid });
  });
}
