/**
 * What a command finds around it, as one value: handed in at the composition root, read from no global further down.
 */

import type { LaunchedStage } from '../../native/stage/stage.ts';

/** What the process was started with, and nothing that an option has changed: that is the context's. */
export interface Host {
  /** The current directory, absolute. */
  readonly cwd: string;
  /** Its variables. The launcher leaves only those that are read by name (native/launcher/environment.h). */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Descriptor of the file in which the launcher has put all that it was called with. Or -errno: it could not. */
  readonly environmentFile?: number;
  /** Effective ids of this process. */
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /** The soft limit of open files that the launcher found; the engine has raised its own since. */
  readonly openFilesLimit?: number;
  /** What the launcher started, for a command that makes a process. */
  readonly stage?: LaunchedStage;
}

/** Whether only its user namespace tells whose root this is: an ordinary user may be root by number there. As with runc. */
export const isRootOfSomebody = ({ env, uid }: Pick<Host, 'env' | 'uid'>): boolean =>
  uid === 0 && Boolean(env.XDG_RUNTIME_DIR) && env.USER !== 'root';

/**
 * The state root of `--root`'s default: runc's place, by our name.
 * @param inUserNamespace whether this process is in one: asked where `isRootOfSomebody`
 */
export function defaultRoot(host: Pick<Host, 'env' | 'uid'>, inUserNamespace: boolean): string {
  const own = host.env.XDG_RUNTIME_DIR ?? '';
  const isUsers = own !== '' && (host.uid !== 0 || (isRootOfSomebody(host) && inUserNamespace));
  return isUsers ? `${own}/runchart` : '/run/runchart';
}

/** @param told the launcher's word: the stage's pid, and the descriptors of our ends of its sockets */
export function launchedStage(told: string | undefined): LaunchedStage | undefined {
  if (told === undefined) return undefined;
  const [pid, socket, channel] = told.split(':').map(Number);
  return pid && socket && channel ? { pid, socket, channel, taken: false } : undefined;
}
