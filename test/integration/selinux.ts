/** SELinux for tests: its mode, and who and what has which label. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { noContainers } from './bundle.ts';
import { proc } from './containers.ts';

const ENFORCE = '/sys/fs/selinux/enforce';

/** Why nothing can be labelled here; false if it can. */
export const noSelinux: string | false =
  noContainers || (existsSync(ENFORCE) ? false : 'SELinux is not enabled in this kernel');

export const MODES = ['permissive', 'enforcing'] as const;
export type Mode = (typeof MODES)[number];

/** What counts from now on in the whole machine. */
export const enter = (mode: Mode): void => writeFileSync(ENFORCE, mode === 'enforcing' ? '1' : '0');

/** The label of a process. */
export const labelOf = (pid: number): string => proc(pid, 'attr/current').replace(/\0$/, '').trim();

/** The label of a file, as the host sees it. */
export const labelOfFile = (path: string): string =>
  execFileSync('stat', ['--format=%C', path], { encoding: 'utf8' }).trim();

/** Labels files, and all that is in them. */
export const label = (context: string, ...paths: readonly string[]): void => {
  execFileSync('chcon', ['--recursive', '--no-dereference', context, ...paths]);
};

/** The label of the process that asks. */
export const ownLabel = (): string => readFileSync('/proc/self/attr/current', 'utf8').replace(/\0$/, '').trim();
