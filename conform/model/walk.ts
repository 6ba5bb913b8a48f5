/**
 * Walks through the chart as a request would, without performing anything: each effect succeeds, but for the one that
 * the bundle makes fail. Pure.
 */

import { getInitialSnapshot, getNextSnapshot, type SnapshotFrom } from 'xstate';
import { type ContainerMachine, containerMachine } from '../../machines/container.ts';
import type { InnerEvent, LifecycleEvent } from '../../machines/events.ts';
import type { ContainerRecord, Facts, HookKind } from '../../spec/record.ts';
import type { Config } from '../../spec/types.ts';
import { type BundleName, configOf, type Fault } from './bundles.ts';

export type Snapshot = SnapshotFrom<ContainerMachine>;

/** What a walk came to. */
export interface Walk {
  readonly snapshot: Snapshot;
  /** Whether an effect failed whose failure is the request's: the command must say so by its exit status. */
  readonly failed: boolean;
  /** The kinds of hooks that were asked for, in order. */
  readonly hooks: readonly HookKind[];
  /** The transitions that were taken, by name. */
  readonly taken: readonly string[];
}

interface From {
  readonly snapshot: Snapshot;
  /** The effect that fails. */
  readonly fault: Fault | undefined;
}

type Event = LifecycleEvent | InnerEvent;
type Transition = ReturnType<ContainerMachine['getTransitionData']>[number];

/** The chart before a container of this bundle is made. */
export const beginning = (bundle: BundleName): Snapshot =>
  getInitialSnapshot(containerMachine, { record: recordOf(bundle) });

/**
 * Sends an event, and walks on until the machine is settled.
 * @param facts what the kernel would say of the container, if it is asked on the way
 */
export function walk(from: From, event: LifecycleEvent, facts: Facts): Walk {
  const taken: string[] = [];
  const hooks: HookKind[] = [];
  let failed = false;
  let { snapshot } = from;
  for (let next: Event | undefined = event; next !== undefined; next = nextEvent(snapshot, from.fault, facts)) {
    const transitions = containerMachine.getTransitionData(snapshot, next as LifecycleEvent);
    taken.push(...transitions.map(transitionName));
    failed ||= transitions.some(({ actions }) => actions.some((action) => typeNameOf(action) === 'fail'));
    snapshot = getNextSnapshot(containerMachine, snapshot, next as LifecycleEvent);
    const kind = hooksAt(snapshot);
    if (kind !== undefined) hooks.push(kind);
  }
  return { snapshot, failed, hooks, taken };
}

/** How the effect of the state that the machine is in ends. @returns undefined if the machine is settled */
function nextEvent(snapshot: Snapshot, fault: Fault | undefined, facts: Facts): Event | undefined {
  if (snapshot.status !== 'active' || snapshot.hasTag('settled')) return undefined;
  const effect = effectAt(snapshot);
  if (effect === undefined) return { type: 'saved' };
  const fails = fault?.effect === effect && (fault.effect !== 'runHooks' || fault.kind === hooksAt(snapshot));
  return (
    fails
      ? { type: `xstate.error.actor.${effect}`, error: 'planted' }
      : { type: `xstate.done.actor.${effect}`, output: outputOf(effect, snapshot, facts) }
  ) as Event;
}

function outputOf(effect: string, { context }: Snapshot, facts: Facts): unknown {
  if (effect === 'makeCgroup') return { layout: 'v2', driver: 'fs', paths: {} };
  if (effect === 'enterNamespaces') return { pid: 1, startTime: '0' };
  if (effect === 'update') return context.config;
  return effect === 'observe' ? facts : undefined;
}

interface Invoked {
  readonly id: string;
  readonly input?: unknown;
}

/** The innermost state that the machine is in. The chart has no parallel states. */
function nodeOf(snapshot: Snapshot) {
  let node = containerMachine.root;
  for (let value: unknown = snapshot.value; value !== undefined; ) {
    const [name, inner]: [string, unknown] =
      typeof value === 'string' ? [value, undefined] : (Object.entries(value ?? {})[0] ?? ['', undefined]);
    const next: typeof node | undefined = node.states[name];
    if (next === undefined) break;
    node = next;
    value = inner;
  }
  return node;
}

const invokedAt = (snapshot: Snapshot): Invoked | undefined => nodeOf(snapshot).invoke[0];

const effectAt = (snapshot: Snapshot): string | undefined => invokedAt(snapshot)?.id;

/** The kind of hooks that run in this state. The effect that starts the process runs the startContainer hooks. */
function hooksAt(snapshot: Snapshot): HookKind | undefined {
  const invoked = snapshot.status === 'active' ? invokedAt(snapshot) : undefined;
  if (invoked?.id === 'startProcess') return 'startContainer';
  if (invoked?.id !== 'runHooks' || typeof invoked.input !== 'function') return undefined;
  return invoked.input({ context: snapshot.context }).kind;
}

/** All transitions of the chart, by name. */
export function allTransitions(): readonly string[] {
  const below = (node: typeof containerMachine.root): readonly string[] => [
    ...[...node.transitions.values()].flat().map(transitionName),
    ...(node.always ?? []).map(transitionName),
    ...Object.values(node.states).flatMap(below),
  ];
  return below(containerMachine.root);
}

/** `running.idle kill → running.killing`; with a guard `paused.idle exec [ignoringPause] → paused.idle` */
export function transitionName({ source, eventType, guard, target }: Transition): string {
  const to = target?.[0]?.path.join('.') ?? source.path.join('.');
  const event = eventType.replace(/^xstate\.(done|error)\.actor\./, (_, how) => (how === 'done' ? 'done ' : 'failed '));
  return `${source.path.join('.')} ${event}${guardWord(guard)} → ${to}`;
}

function guardWord(guard: unknown): string {
  if (guard === undefined) return '';
  if (typeof guard === 'string') return ` [${guard}]`;
  const { type = '', params = {} }: { type?: string; params?: object } = { ...(guard as object) };
  return ` [${[type, ...Object.values(params)].join(' ')}]`;
}

const typeNameOf = (action: unknown): string =>
  typeof action === 'object' && action !== null && 'type' in action ? String(action.type) : String(action);

/** A record as `create` begins with. Nothing looks at its paths. */
function recordOf(bundle: BundleName): ContainerRecord {
  const config: Config = configOf(bundle, {
    exchange: '/exchange',
    hostFolders: [],
    cgroupsPath: '/cgroup',
    unifiedCgroups: false,
  });
  return {
    id: 'c1',
    bundle: '/bundle',
    root: '/root',
    ociVersion: config.ociVersion,
    rootfs: '/bundle/rootfs',
    created: '',
    owner: 0,
    annotations: {},
    config,
    options: { noPivot: false, noNewKeyring: false, systemdCgroup: false, preserveFds: 0 },
    begun: [],
    reached: 'creating',
    leftovers: [],
  };
}
