/**
 * What a sequence consists of: requests to a runtime, and what happens without one. A step is data. `lab/` performs it,
 * and the model says what it leads to. All of a sequence is about one container, `c1`.
 */

import type { BundleName } from './bundles.ts';

export type Signal = 'TERM' | 'KILL' | 'CONT';

/** Something that is asked of the runtime by one command. */
export type Asked =
  | { readonly ask: 'create' | 'run'; readonly bundle: BundleName }
  /** A name that is none. */
  | { readonly ask: 'create-misnamed'; readonly bundle: BundleName }
  /** `update-badly` asks for a limit that the kernel does not take. */
  | { readonly ask: 'start' | 'pause' | 'resume' | 'update' | 'update-badly' | 'events' | 'exec' }
  | { readonly ask: 'kill'; readonly signal: Signal; readonly all?: true }
  | { readonly ask: 'delete'; readonly force?: true };

/**
 * Something that happens without the runtime: the container's process ends by itself, or is killed; somebody uses its
 * freezer; config.json changes after `create` has read it.
 */
export interface Happening {
  readonly happens: 'exits' | 'killed' | 'frozen' | 'thawed' | 'config changes';
}

export type Single = Asked | Happening;

/** Two of them at the same time. */
export interface AtOnce {
  readonly atOnce: readonly [Single, Single];
}

export type Step = Single | AtOnce;

export const ID = 'c1';

/** The exit status of the program of `exec`. */
export const EXEC_STATUS = 5;

/** What `update` limits the number of processes to. */
export const PIDS_LIMIT = 777;

/** A step in the words of a report: `start`, `kill KILL`, `start, and the process ends at the same time`. */
export function nameOf(step: Step): string {
  if ('atOnce' in step) return step.atOnce.map(nameOf).join(' at once with ');
  if ('happens' in step) return HAPPENINGS[step.happens];
  switch (step.ask) {
    case 'create':
    case 'run':
      return step.bundle === 'plain' ? step.ask : `${step.ask} of the bundle ${step.bundle}`;
    case 'create-misnamed':
      return 'create with a name that is none';
    case 'update-badly':
      return 'update to what the kernel does not take';
    case 'kill':
      return `kill ${step.all ? '--all ' : ''}${step.signal}`;
    case 'delete':
      return step.force ? 'delete --force' : 'delete';
    default:
      return step.ask;
  }
}

const HAPPENINGS: Readonly<Record<Happening['happens'], string>> = {
  exits: 'the process ends by itself',
  killed: 'the process is killed from outside',
  frozen: 'the cgroup is frozen from outside',
  thawed: 'the cgroup is thawed from outside',
  'config changes': 'config.json changes',
};

/**
 * The arguments of a command, after the global ones.
 * @param bundles the directory with the bundles
 * @returns undefined for what is no command
 */
export function argumentsOf(step: Single, bundles: string): readonly string[] | undefined {
  if ('happens' in step) return undefined;
  switch (step.ask) {
    case 'create':
      return ['create', '--bundle', `${bundles}/${step.bundle}`, ID];
    case 'run':
      return ['run', '--detach', '--bundle', `${bundles}/${step.bundle}`, ID];
    case 'create-misnamed':
      return ['create', '--bundle', `${bundles}/${step.bundle}`, `../${ID}`];
    case 'kill':
      return ['kill', ...(step.all ? ['--all'] : []), ID, step.signal];
    case 'exec':
      return ['exec', ID, '/bin/sh', '-c', `exit ${EXEC_STATUS}`];
    case 'delete':
      return ['delete', ...(step.force ? ['--force'] : []), ID];
    case 'update':
      return ['update', '--pids-limit', String(PIDS_LIMIT), ID];
    case 'update-badly':
      // The kernel takes no period below a millisecond.
      return ['update', '--cpu-period', '1', ID];
    case 'events':
      return ['events', '--stats', ID];
    default:
      return [step.ask, ID];
  }
}

/** A step that has been taken, as lines for a shell. `$R` is the runtime with its root, `$B` the bundles' directory. */
export function shellLine(step: Step): string {
  if ('atOnce' in step) return `${step.atOnce.map((one) => `${shellLine(one)} &`).join(' ')} wait`;
  const words = argumentsOf(step, '$B');
  if (words !== undefined) return `$R ${words.map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(' ')}`;
  switch ('happens' in step ? step.happens : undefined) {
    case 'exits':
      return 'echo > $B/conform/end';
    case 'killed':
      return `kill -KILL $($R state ${ID} | jq .pid)`;
    case 'frozen':
      return '# freeze the cgroup: echo FROZEN > …/freezer.state, or echo 1 > …/cgroup.freeze';
    case 'thawed':
      return '# thaw the cgroup: echo THAWED > …/freezer.state, or echo 0 > …/cgroup.freeze';
    default:
      return "echo '{}' > $B/plain/config.json";
  }
}
