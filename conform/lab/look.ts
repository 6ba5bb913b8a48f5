/** What can be seen of the container: by the runtime's own words, and by the kernel's. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ID } from '../model/steps.ts';
import { isZombie, text } from './cgroup.ts';
import { command, type Ended } from './command.ts';
import type { Lab } from './lab.ts';

export interface Seen {
  /** What `state` answers; undefined if it fails. */
  readonly state: unknown;
  readonly stateEnded: Ended;
  /** The status that `list` shows; undefined if it does not show the container. */
  readonly listed: string | undefined;
  /** Why `list` cannot be read; undefined if it can, or if it was not asked for. */
  readonly listFault: string | undefined;
  readonly kernel: KernelSeen;
}

export interface KernelSeen {
  /** Whether a process is in the container. */
  readonly alive: boolean;
  /** Whether the container's program has run. */
  readonly started: boolean;
  readonly frozen: boolean | undefined;
  /** The pid of the container's first process, as we see it. */
  readonly init: number | undefined;
}

/** @param listing whether `list` is asked, too */
export async function look(lab: Lab, listing: boolean): Promise<Seen> {
  const stateEnded = await command(lab, ['state', ID]);
  const list = listing ? await listed(lab) : { listed: undefined, listFault: undefined };
  return {
    state: stateEnded.status === 0 ? json(stateEnded.stdout) : undefined,
    stateEnded,
    ...list,
    kernel: lookAtKernel(lab),
  };
}

async function listed(lab: Lab): Promise<Pick<Seen, 'listed' | 'listFault'>> {
  const { status, stdout, stderr } = await command(lab, ['list', '--format', 'json']);
  if (status !== 0) return { listed: undefined, listFault: `it fails: ${stderr}` };
  const all = json(stdout);
  if (all === null) return { listed: undefined, listFault: undefined };
  if (!Array.isArray(all)) return { listed: undefined, listFault: 'its output is no JSON array' };
  const found: unknown = all.find((one) => member(one, 'id') === ID);
  const shown = member(found, 'status');
  return { listed: typeof shown === 'string' ? shown : undefined, listFault: undefined };
}

export function lookAtKernel(lab: Lab): KernelSeen {
  const processes = lab.cgroup.processes();
  return {
    alive: processes.length > 0,
    started: existsSync(join(lab.exchange, 'started')),
    frozen: lab.cgroup.frozen(),
    init: processes.find((pid) => /^NSpid:.*\t1$/m.test(text(`/proc/${pid}/status`) ?? '')),
  };
}

/** How often the container's program says that it got SIGCONT. */
export const signalsSeen = (lab: Lab): number =>
  (text(join(lab.exchange, 'signals')) ?? '').split('\n').filter((line) => line === 'CONT').length;

/** The hooks that have run, in order. */
export const hooksSeen = (lab: Lab): readonly string[] =>
  (text(join(lab.exchange, 'hooks')) ?? '').split('\n').filter((line) => line !== '');

/** What a hook was given on standard input. */
export const stateOfHook = (lab: Lab, hook: string): unknown => json(text(join(lab.exchange, `state-${hook}`)) ?? '');

/** What is there of a container that should not be there any more, in words. */
export function leftovers(lab: Lab): readonly string[] {
  return [
    ...lab.cgroup.directories().map((path) => `the cgroup ${path}`),
    ...readdirSync(lab.root)
      .filter((name) => name === ID)
      .map((name) => `the directory ${name} in its state root`),
    ...mountsIn(lab.folder).map((path) => `the mount ${path}`),
    ...processesOf(lab).map((pid) => `process ${pid}`),
  ];
}

/** The mounts of this mount namespace below a folder, the innermost first. */
export function mountsIn(folder: string): readonly string[] {
  const points = (text('/proc/self/mountinfo') ?? '').split('\n').map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point.startsWith(`${folder}/`)).toReversed();
}

/** Processes that the lab's folder is named to: the runtime's own that have not ended. */
export function processesOf(lab: Lab): readonly number[] {
  const pids = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
  return pids.filter((pid) => text(`/proc/${pid}/cmdline`)?.includes(lab.root) && !isZombie(pid));
}

/** @returns undefined if the text is no JSON */
export function json(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
