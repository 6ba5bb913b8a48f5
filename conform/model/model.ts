/** What is known of a sequence's container: where it stands in the chart, and what must be seen of it. Pure. */

import { statusOf } from '../../machines/status.ts';
import type { Facts } from '../../spec/record.ts';
import type { HookName, Status } from '../../spec/types.ts';
import type { BundleName, Fault } from './bundles.ts';
import type { Snapshot } from './walk.ts';

/** The words of the specification, or what runc does. */
export const PROFILES = ['spec', 'runc'] as const;
export type Profile = (typeof PROFILES)[number];

export interface ModelContainer {
  readonly snapshot: Snapshot;
  readonly bundle: BundleName;
  /** What will fail. */
  readonly fault: Fault | undefined;
}

export interface Model {
  readonly profile: Profile;
  /** Whether limits can be set here: a view of cgroup v2 may lack the controllers. */
  readonly limits: boolean;
  /** Undefined where there is no container. */
  readonly container: ModelContainer | undefined;
  /** The hooks that have run since `create`, in order. */
  readonly hooks: readonly HookName[];
  /** Whether config.json has changed since `create`. */
  readonly configChanged: boolean;
  /** Whether the limit that `update` sets is in force. */
  readonly updated: boolean;
}

/** What may come of a step. */
export interface Outcome {
  /** Whether each command of the step succeeds. What happens by itself succeeds. */
  readonly succeeds: readonly boolean[];
  readonly model: Model;
  /** The transitions of the chart that were taken. */
  readonly taken: readonly string[];
}

export const nothingYet = (profile: Profile, limits = true): Model => ({
  profile,
  limits,
  container: undefined,
  hooks: [],
  configChanged: false,
  updated: false,
});

/** The container's status, or undefined where there is none. */
export const statusIn = ({ container }: Model): Status | undefined =>
  container === undefined ? undefined : statusOf(container.snapshot);

/** Whether the container's program has been executed. */
export const hasStarted = ({ container }: Model): boolean => container?.snapshot.context.reached === 'running';

/** What the kernel says of the container. */
export function factsOf(model: Model): Facts {
  const status = statusIn(model);
  const alive = status === 'created' || status === 'running' || status === 'paused';
  return { init: alive ? 'alive' : 'gone', frozen: status === 'paused', started: hasStarted(model) };
}

/** What tells two models apart, for whoever wants to come to each of them once. */
export function keyOf(model: Model): string {
  const { container, configChanged } = model;
  if (container === undefined) return 'absent';
  return [container.bundle, JSON.stringify(container.snapshot.value), hasStarted(model), configChanged].join(' ');
}

/** The situation in words: `no container`, `a paused container that was not started`. */
export function situationOf(model: Model): string {
  const status = statusIn(model);
  if (status === undefined) return 'no container';
  return `a ${status} container${status === 'paused' && !hasStarted(model) ? ' that was not started' : ''}`;
}
