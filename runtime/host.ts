/**
 * What a command finds around it, as one value: handed in at the composition root, read from no global further down.
 */

import type { LaunchedStage } from '../native/launched-stage.ts';

export interface Host {
  /** The current directory, absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Effective ids of this process. */
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /** The soft limit of open files that the launcher found; the engine has raised its own since. */
  readonly openFilesLimit?: number;
  /** What the launcher started, for a command that makes a process. */
  readonly stage?: LaunchedStage;
}

/** The state root of `--root`'s default: runc's place, by our name. */
export function defaultRoot({ env, uid }: Pick<Host, 'env' | 'uid'>): string {
  const own = env.XDG_RUNTIME_DIR;
  return uid !== 0 && own !== undefined && own !== '' ? `${own}/runchart` : '/run/runchart';
}

/** @param told the launcher's word: the stage's pid, and the descriptors of our ends of its sockets */
export function launchedStage(told: string | undefined): LaunchedStage | undefined {
  if (told === undefined) return undefined;
  const [pid, socket, channel] = told.split(':').map(Number);
  return pid && socket && channel ? { pid, socket, channel, taken: false } : undefined;
}
