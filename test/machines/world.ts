/** A world in memory for the machine's effects. It holds what they acquire, and fails or stops where it is told to. */

import { createActor } from 'xstate';
import type { Restoration } from '../../effects/criu/restoration.ts';
import type { ContainerActor } from '../../machines/ask.ts';
import { containerMachine } from '../../machines/container.ts';
import type { ContainerEffects } from '../../machines/contract.ts';
import type { Request } from '../../machines/events.ts';
import { type PersistedSnapshot, persisted } from '../../machines/persisted.ts';
import type { PersistedState } from '../../machines/status.ts';
import type { ContainerRecord, Facts } from '../../spec/record.ts';
import type { Hooks } from '../../spec/types.ts';

export type EffectName = keyof ContainerEffects;

/** What becomes of a call. With `die` the command ends before the effect acts, with `vanish` just after it. */
export type Fate = (name: EffectName, index: number) => 'succeed' | 'fail' | 'die' | 'vanish';

export class World {
  /** The text of state.json. Undefined where there is no directory. */
  saved: { state: PersistedState; record: ContainerRecord } | undefined;
  cgroup = false;
  init: 'none' | 'serving' | 'waiting' | 'started' | 'dead' = 'none';
  frozen = false;
  readonly calls: EffectName[] = [];
  readonly hooks: string[] = [];
  fate: Fate;
  /** The command has died while it wrote its record. */
  #dead = false;

  constructor(fate: Fate = () => 'succeed') {
    this.fate = fate;
  }

  /** The command dies. An init that still serves it reads end-of-file, and exits. */
  killCommand(): void {
    this.#dead = false;
    if (this.init === 'serving') this.init = 'dead';
  }

  get alive(): boolean {
    return this.init === 'serving' || this.init === 'waiting' || this.init === 'started';
  }

  /** What is left. After a container has been deleted, that must be nothing. */
  get leftovers(): string[] {
    return [
      ...(this.alive ? ['init'] : []),
      ...(this.cgroup ? ['cgroup'] : []),
      ...(this.saved === undefined ? [] : ['state']),
    ];
  }

  facts(): Facts {
    return { init: this.alive ? 'alive' : 'gone', frozen: this.frozen, started: this.init === 'started' };
  }

  readonly effects: ContainerEffects = {
    save: (record, state) => {
      const fate = this.#fateOf('save');
      // The command is gone: it neither learns what became of this call, nor makes another one.
      if (fate === 'die' || fate === 'vanish') this.#dead = true;
      if (fate === 'fail') throw new Error('save: EIO');
      if (fate !== 'die') this.saved = { state, record: JSON.parse(JSON.stringify(record)) };
    },
    makeCgroup: () =>
      this.#perform('makeCgroup', () => {
        this.cgroup = true;
        return { layout: 'v2', driver: 'fs', paths: { unified: '/sys/fs/cgroup/test' } };
      }),
    enterNamespaces: () =>
      this.#perform('enterNamespaces', () => {
        this.init = 'serving';
        return { pid: 42, startTime: '1000' };
      }),
    makeMounts: () => this.#perform('makeMounts', () => this.#expect(this.init === 'serving')),
    runHooks: (_record, kind) => this.#perform('runHooks', () => this.hooks.push(kind)).then(() => undefined),
    enterRootfs: () => this.#perform('enterRootfs', () => this.#expect(this.init === 'serving')),
    prepareProcess: () =>
      this.#perform('prepareProcess', () => {
        this.#expect(this.init === 'serving');
        this.init = 'waiting';
      }),
    startProcess: () =>
      this.#perform('startProcess', () => {
        this.#expect(this.init === 'waiting');
        this.init = 'started';
      }),
    signal: (_record, { signal, all }) =>
      this.#perform('signal', () => {
        this.#expect(this.alive || all);
        if (signal === 9 && this.alive) this.init = 'dead';
      }),
    freeze: () =>
      this.#perform('freeze', () => {
        this.#expect(this.alive);
        this.frozen = true;
      }),
    thaw: () =>
      this.#perform('thaw', () => {
        this.frozen = false;
      }),
    update: (_record, { config }) => this.#perform('update', () => config),
    checkpoint: (_record, { leaveRunning }) =>
      this.#perform('checkpoint', () => {
        this.#expect(this.init === 'started');
        if (!leaveRunning) this.init = 'dead';
      }),
    restore: () =>
      this.#perform('restore', () => {
        this.init = 'started';
        return { pid: 43, startTime: '2000' };
      }),
    observe: () => this.#perform('observe', () => this.facts()),
    destroyInit: () =>
      this.#perform('destroyInit', () => {
        this.init = this.init === 'none' ? 'none' : 'dead';
        this.frozen = false;
      }),
    removeCgroup: () =>
      this.#perform('removeCgroup', () => {
        if (this.alive) throw new Error('removeCgroup: EBUSY');
        this.cgroup = false;
      }),
    removeState: () =>
      this.#perform('removeState', () => {
        this.saved = undefined;
      }),
  };

  #perform<T>(name: EffectName, act: () => T): Promise<T> {
    const fate = this.#fateOf(name);
    if (fate === 'vanish') act();
    if (fate === 'die' || fate === 'vanish') return new Promise(() => undefined);
    if (fate === 'fail') return Promise.reject(new Error(`${name}: EIO`));
    return Promise.resolve().then(act);
  }

  #fateOf(name: EffectName): ReturnType<Fate> {
    return this.#dead ? 'die' : this.fate(name, this.calls.push(name) - 1);
  }

  /** Notes an effect that is called where it makes no sense: the machine permitted something illegal. */
  #expect(condition: boolean): void {
    if (!condition) this.violations.push(`${this.calls.at(-1)} with init ${this.init}`);
  }

  readonly violations: string[] = [];
}

export const HOOKS: Hooks = {
  prestart: [{ path: '/hook' }],
  createContainer: [{ path: '/hook' }],
  poststart: [{ path: '/hook' }],
  poststop: [{ path: '/hook' }],
};

export function newRecord(hooks?: Hooks): ContainerRecord {
  return {
    id: 'c1',
    bundle: '/bundle',
    root: '/run/runchart',
    ociVersion: '1.3.0',
    rootfs: '/bundle/rootfs',
    created: '2026-11-24T08:00:00.000000000Z',
    owner: 0,
    annotations: {},
    config: {
      ociVersion: '1.3.0',
      linux: { namespaces: [{ type: 'pid' }] },
      ...(hooks === undefined ? {} : { hooks }),
    },
    options: { noPivot: false, noNewKeyring: false, systemdCgroup: false, preserveFds: 0 },
    begun: [],
    reached: 'creating',
    leftovers: [],
  };
}

export function newActor(world: World, record: ContainerRecord = newRecord()): ContainerActor {
  return createActor(containerMachine, { input: { record, effects: world.effects } }).start();
}

/** Goes on in another command, which reads the state as JSON. */
export function rehydrated(world: World, snapshot: PersistedSnapshot): ContainerActor {
  const copy: PersistedSnapshot = { ...JSON.parse(JSON.stringify(snapshot)), output: undefined, error: undefined };
  const { context: record } = copy;
  const given = { ...copy, context: { ...record, effects: world.effects } };
  return createActor(containerMachine, { input: { record }, snapshot: given }).start();
}

/** What the next command finds in the world's state.json. */
export function resumed(world: World): ContainerActor {
  if (world.saved === undefined) throw new Error('nothing was saved');
  return rehydrated(world, persisted(world.saved.state, world.saved.record));
}

/** The actor of a container, which has been brought to a state. */
export const isDone = (actor: ContainerActor): boolean => actor.getSnapshot().status === 'done';

const CRIU = {
  imagePath: '/images',
  ...{ tcpEstablished: false, externalUnixSockets: false, shellJob: false, fileLocks: false },
  ...{ lazyPages: false, autoDedup: false },
} as const;

const RESTORATION: Restoration = { options: CRIU, config: { ociVersion: '1.3.0' }, standardLinks: [] };

export const RESTORE = { type: 'restore', restoration: RESTORATION } as const satisfies Request;

export const CHECKPOINT = {
  type: 'checkpoint',
  leaveRunning: false,
  preDump: false,
  options: { ...CRIU, tcpSkipInFlight: false, linkRemap: false },
} as const satisfies Request;

export const UPDATE = {
  type: 'update',
  config: { ociVersion: '1.3.0', hostname: 'updated' },
  resources: {},
  schemata: false,
} as const satisfies Request;
