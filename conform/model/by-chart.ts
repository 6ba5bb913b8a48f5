/** What the chart says that a step leads to. Pure. */

import type { LifecycleEvent, Request } from '../../machines/events.ts';
import type { Facts, HookKind } from '../../spec/record.ts';
import type { HookName } from '../../spec/types.ts';
import { failingHook, faultOf, hooksOf } from './bundles.ts';
import { factsOf, type Model, type ModelContainer, type Outcome, statusIn } from './model.ts';
import { type Asked, type Happening, PIDS_LIMIT, type Single } from './steps.ts';
import { beginning, type Walk, walk } from './walk.ts';

/** @param fault what fails of a container that is created now, if it is not what its bundle names */
export function byChart(model: Model, step: Single, fault?: ModelContainer['fault']): Outcome {
  if ('happens' in step) return happening(model, step);
  const refused = { succeeds: [false], model, taken: [] };
  if (step.ask === 'create-misnamed') return refused;
  if (step.ask === 'delete' && step.force && model.container === undefined) return { ...refused, succeeds: [true] };
  let now = model;
  const taken: string[] = [];
  for (const event of eventsOf(model, step)) {
    const container = now.container ?? made(step, fault);
    if (!container?.snapshot.can(event)) return { succeeds: [false], model: now, taken };
    // If the start fails, nothing is left of the init.
    const facts: Facts = event.type === 'start' ? { ...factsOf(now), init: 'gone' } : factsOf(now);
    const fails = step.ask === 'update-badly' ? ({ effect: 'update' } as const) : container.fault;
    const walked = walk({ ...container, fault: fails }, event, facts);
    taken.push(...walked.taken);
    now = after(now, container, walked, event.type);
    if (walked.failed) return { succeeds: [false], model: now, taken };
  }
  return { succeeds: [true], model: now, taken };
}

function made(step: Asked, fault: ModelContainer['fault']): ModelContainer | undefined {
  if (!('bundle' in step)) return undefined;
  const { bundle } = step;
  return { bundle, snapshot: beginning(bundle), fault: fault ?? faultOf(bundle) };
}

/** What happens by itself can neither be refused nor fail. */
function happening(model: Model, { happens }: Happening): Outcome {
  const { container } = model;
  const nothing = { succeeds: [true], model, taken: [] };
  if (container === undefined) return nothing;
  if (happens === 'config changes') return { ...nothing, model: { ...model, configChanged: true } };
  const isEnd = happens === 'exits' || happens === 'killed';
  const facts: Facts = { ...factsOf(model), ...(isEnd ? { init: 'gone' } : { frozen: happens === 'frozen' }) };
  const event: LifecycleEvent = { type: 'observed', facts };
  if (!container.snapshot.can(event)) return nothing;
  const walked = walk(container, event, facts);
  return { ...nothing, model: after(model, container, walked, 'observed'), taken: walked.taken };
}

function after(before: Model, container: ModelContainer, walked: Walk, event: LifecycleEvent['type']): Model {
  const { snapshot } = walked;
  const hooks = walked.hooks.flatMap((kind) => hooksRun(kind, container));
  const isGone = snapshot.status === 'done';
  return {
    ...before,
    container: isGone ? undefined : { ...container, snapshot },
    hooks: event === 'create' ? hooks : [...before.hooks, ...hooks],
    configChanged: before.configChanged && snapshot.hasTag('created'),
    updated: (event === 'update' && !walked.failed) || (before.updated && !isGone),
  };
}

/** The hooks of the config that belong to a kind of the chart's. After one that fails, the next is not run. */
function hooksRun(kind: HookKind, { bundle }: ModelContainer): readonly HookName[] {
  const asked: readonly HookName[] = kind === 'createRuntime' ? ['prestart', 'createRuntime'] : [kind];
  return asked.filter(
    (name) => hooksOf(bundle).includes(name) && !(name === 'createRuntime' && failingHook(bundle) === 'prestart'),
  );
}

const SIGNALS = { TERM: 15, KILL: 9, CONT: 18 } as const;

/** What the machine is sent for a command. A signal that ends the process is followed by what the kernel says then. */
function eventsOf(model: Model, step: Asked): readonly LifecycleEvent[] {
  switch (step.ask) {
    case 'run':
      return [{ type: 'create' }, { type: 'start' }];
    case 'create-misnamed':
      return [];
    case 'kill': {
      const kill: Request = { type: 'kill', signal: SIGNALS[step.signal], all: step.all ?? false };
      const ends = step.signal !== 'CONT' && factsOf(model).init === 'alive';
      return ends ? [kill, { type: 'observed', facts: { ...factsOf(model), init: 'gone' } }] : [kill];
    }
    case 'exec':
      return [{ type: 'exec', ignorePaused: false }];
    case 'delete':
      return [{ type: 'delete', force: step.force ?? false }];
    case 'update':
    case 'update-badly': {
      const config = model.container?.snapshot.context.config ?? { ociVersion: '' };
      return [{ type: 'update', config, resources: { pids: { limit: PIDS_LIMIT } }, schemata: false }];
    }
    default:
      return [{ type: step.ask }];
  }
}

/** Whether a step may need time until all can see what it has done: a process does not end at once. */
export const takesTime = (model: Model, step: Single): boolean =>
  'happens' in step
    ? step.happens !== 'config changes'
    : step.ask === 'start' || step.ask === 'run' || (step.ask === 'kill' && statusIn(model) !== undefined);
