/**
 * The composition: a container's directory, its machine and a command's effects become one thing to send requests to.
 * Lock, read, rehydrate, tell the machine what happened meanwhile; then for each request send, settle, write.
 */

import { createActor, type InspectionEvent, type Observer } from 'xstate';
import { actorsOf } from '../../machines/actors.ts';
import { type Answer, ask, type ContainerActor } from '../../machines/ask.ts';
import { containerMachine } from '../../machines/container.ts';
import type { ContainerEffects } from '../../machines/contract.ts';
import type { Request } from '../../machines/events.ts';
import { persisted, persistedState } from '../../machines/persisted.ts';
import { observations } from '../../machines/reconcile.ts';
import type { SharedMachine } from '../../machines/shared.ts';
import { statusOf } from '../../machines/status.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { CgroupRecord, ContainerRecord } from '../../spec/record.ts';
import type { Status } from '../../spec/types.ts';
import {
  closeDirectory,
  type Directory,
  makeDirectory,
  openDirectory,
  readState,
  removeDirectory,
  writeState,
} from '../store/directory.ts';
import { isStoreError, missing } from '../store/error.ts';
import { lock, type Patience, tryLock, unlock } from '../store/lock.ts';
import { decodeState, encodeState, type Stored, salvageState } from '../store/state-file.ts';

/** Where the lifecycle machine of a container has got to. */
export interface LifecycleChange {
  readonly id: string;
  /** undefined before the container is created and after it is deleted. */
  readonly status: Status | undefined;
  /** The machine's state, as XState has it: `{ creating: 'rootfs' }`, `'starting'`. */
  readonly value: unknown;
}

/** What a command brings along; the store adds the effects on the container's directory. */
export type CommandEffects = Omit<ContainerEffects, 'save' | 'removeState'>;

export interface ContainerOptions {
  readonly kernel: Kernel;
  /** Absolute path of the state root. */
  readonly root: string;
  /** Valid (spec/id.ts). */
  readonly id: string;
  readonly effects: CommandEffects;
  readonly patience: Patience;
  /** The machine that is used for all containers of this process; by default each has one of its own, with no more than it needs. */
  readonly shared?: SharedMachine;
  /** The cgroup that a container of this name has by default: where `force` looks when a damaged state tells of none. */
  readonly guessCgroup?: () => CgroupRecord | undefined;
  /** Hears of every state that the machine comes to. */
  readonly onChange?: (change: LifecycleChange) => void;
  /** XState's inspection, for those who watch. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
}

/**
 * - `exclusive`: one command at a time, and what it does is written down.
 * - `shared`: beside any other, for what changes nothing in the record: kill, exec, events. (A hook may kill the
 *   container while `create` holds the lock.)
 * - `delete`: exclusive; a directory without a state is removed, as runc does.
 * - `force`: exclusive, and takes what it gets: a command that holds the lock loses its init, a damaged state is salvaged.
 */
export type Access = 'exclusive' | 'shared' | 'delete' | 'force';

const WITHOUT_LOCK: readonly Request['type'][] = ['kill', 'exec', 'events'];

export interface Container {
  readonly record: ContainerRecord;
  /** undefined before it is created and after it is deleted. */
  readonly status: Status | undefined;
  readonly actor: ContainerActor;
  /** Whether it holds the lock. */
  readonly locked: boolean;
  /** Requests are served one after the other. */
  request(request: Request): Promise<Answer>;
  /** Lets other commands work on the container, until `reacquire`. */
  release(): void;
  /** The same for a long time, during which no descriptor is held. */
  rest(): void;
  /**
   * Takes the lock again, and tells the machine what happened meanwhile.
   * @returns false where another command has changed the container's record: then it is to be closed, and opened anew
   * @throws StoreError `missing`, `busy`
   */
  reacquire(): Promise<boolean>;
  /** Lets go of the lock and of everything else; the second time nothing. */
  close(): void;
}

/**
 * Makes the directory of a new container and locks it. Nothing else has happened until `create` or `restore` is requested.
 * @throws StoreError `exists`
 */
export async function newContainer(
  options: ContainerOptions,
  record: ContainerRecord,
  origin: 'create' | 'restore',
): Promise<Container> {
  const { kernel, root, id, patience } = options;
  for (;;) {
    let directory: Directory | undefined;
    try {
      directory = makeDirectory(kernel, root, id);
      await lock(kernel, directory, patience);
      return attach(options, directory, { record, origin, locked: true });
    } catch (error) {
      // A `delete` took the directory, still empty, for one that a crash had left: make it anew.
      const taken = isStoreError(error, 'missing');
      if (directory !== undefined) {
        if (!taken) removeDirectory(kernel, directory);
        closeDirectory(kernel, directory);
      }
      if (!taken) throw error;
    }
  }
}

/**
 * Opens a container that is there.
 * @throws StoreError `missing`, `damaged`, `busy`
 */
export async function openContainer(options: ContainerOptions, access: Access): Promise<Container> {
  const { kernel, root, id, effects, patience } = options;
  const directory = openDirectory(kernel, root, id);
  try {
    if (access !== 'shared') {
      if (access === 'force' && !tryLock(kernel, directory)) await endInit(options, directory);
      await lock(kernel, directory, patience);
    }
    const text = access === 'force' ? readWhatThereIs(kernel, directory) : readState(kernel, directory);
    if (text === undefined && access === 'delete') removeDirectory(kernel, directory);
    if (text === undefined && access !== 'force') throw missing();
    const stored = access === 'force' ? decodeOrSalvage(text, options) : decodeState(text ?? '', root, id);
    const container = attach(options, directory, { stored, text, locked: access !== 'shared' });
    try {
      await reconcile(container.actor, effects);
    } catch (error) {
      container.actor.stop();
      throw error;
    }
    return container;
  } catch (error) {
    closeDirectory(kernel, directory);
    throw error;
  }
}

/** Tells the machine what happened to the container while nobody watched. */
async function reconcile(actor: ContainerActor, effects: CommandEffects): Promise<void> {
  const { value, context } = actor.getSnapshot();
  const state = persistedState(value);
  if (state === undefined || state === 'unfinished' || state === 'stopped') return;
  for (const event of observations(state, await effects.observe(context))) actor.send(event);
}

/** A command that hangs may be waiting for the init, or run in its namespaces: it ends with it. */
async function endInit(options: ContainerOptions, directory: Directory): Promise<void> {
  const text = readWhatThereIs(options.kernel, directory);
  if (text !== undefined) await options.effects.destroyInit(decodeOrSalvage(text, options).record);
}

/** A state that can't be read (a bad disk, a directory in its place) is as damaged as one that makes no sense. */
function readWhatThereIs(kernel: Kernel, directory: Directory): string | undefined {
  try {
    return readState(kernel, directory);
  } catch (error) {
    if (isStoreError(error, 'failed')) return '';
    throw error;
  }
}

function decodeOrSalvage(text: string | undefined, { root, id, guessCgroup }: ContainerOptions): Stored {
  try {
    if (text !== undefined) return decodeState(text, root, id);
  } catch (error) {
    if (!isStoreError(error, 'damaged')) throw error;
  }
  // The intent is written before the first effect: where nothing is written, a cgroup of that name is somebody else's.
  return salvageState(text, root, id, text === undefined ? undefined : guessCgroup?.());
}

type Beginning =
  | { readonly record: ContainerRecord; readonly origin: 'create' | 'restore'; readonly locked: true }
  | { readonly stored: Stored; readonly text: string | undefined; readonly locked: boolean };

function attach(options: ContainerOptions, opened: Directory, beginning: Beginning): Container {
  const { kernel } = options;
  let directory = opened;
  let resting = false;
  let written = 'text' in beginning ? beginning.text : undefined;
  let { locked } = beginning;
  let closed = false;

  function save(stored: Stored): void {
    const text = encodeState(stored);
    if (text === written) return;
    writeState(kernel, directory, text);
    written = text;
  }

  const effects: ContainerEffects = {
    ...options.effects,
    save: (record, state) => save({ record, state }),
    removeState: () => removeDirectory(kernel, directory),
  };
  const machine =
    options.shared?.machine ?? containerMachine(actorsOf(effects), 'record' in beginning ? beginning.origin : 'record');
  const actor = createActor(machine, {
    ...('record' in beginning
      ? { input: beginning.record }
      : { input: beginning.stored.record, snapshot: persisted(beginning.stored.state, beginning.stored.record) }),
    ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
  });
  options.shared?.give(actor, effects);
  const { onChange } = options;
  if (onChange !== undefined)
    actor.subscribe((snapshot) => onChange({ id: options.id, status: statusOf(snapshot), value: snapshot.value }));
  actor.start();

  async function serve(request: Request): Promise<Answer> {
    if (!locked && !WITHOUT_LOCK.includes(request.type))
      throw new TypeError(`${request.type}: this needs the container's lock`);
    const answer = await ask(actor, request);
    const { status, value, context } = actor.getSnapshot();
    if (status !== 'active' || !locked || answer.outcome === 'refused') return answer;
    const state = persistedState(value);
    try {
      if (state !== undefined) save({ state, record: context });
      return answer;
    } catch (error) {
      const failure = { type: 'failed', during: 'saving the state', error } as const;
      return answer.outcome === 'failed'
        ? { ...answer, failures: [...answer.failures, failure] }
        : { outcome: 'failed', failures: [failure], warnings: answer.warnings };
    }
  }

  function rest(): void {
    locked = false;
    if (!resting) closeDirectory(kernel, directory);
    resting = true;
  }

  let last: Promise<unknown> = Promise.resolve();
  return {
    get record() {
      return actor.getSnapshot().context;
    },
    get status() {
      return statusOf(actor.getSnapshot());
    },
    actor,
    get locked() {
      return locked;
    },
    request(request) {
      const answer = last.then(() => serve(request));
      last = answer.catch(() => undefined);
      return answer;
    },
    release() {
      locked = false;
      unlock(kernel, directory);
    },
    rest,
    async reacquire() {
      if (resting) directory = openDirectory(kernel, options.root, options.id);
      resting = false;
      await lock(kernel, directory, options.patience);
      locked = true;
      if (readState(kernel, directory) !== written) return false;
      await reconcile(actor, options.effects);
      return true;
    },
    close() {
      if (closed) return;
      closed = true;
      actor.stop();
      rest();
    },
  };
}
