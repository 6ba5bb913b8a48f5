/** What a command finds around it, as one value. It is handed in at the start: no code further down reads a global. */

import type { DevicePrograms } from '../../effects/cgroups/devices/programs.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import type { Platform } from '../../native/platform.ts';
import type { LaunchedStage } from '../../native/stage/stage.ts';

/** What this process was started with. What the options make of it is in the context. */
export interface Host {
  /** The current directory, absolute. */
  readonly cwd: string;
  /**
   * Variables of the environment. The launcher leaves only those that we read by name (native/launcher/environment.h).
   */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file into which the launcher has put the whole environment; or -errno, where it could not. */
  readonly environmentFile?: Fd;
  /** The whole environment, where it came by a message. Each variable ends in a NUL. */
  readonly environment?: Uint8Array;
  /** Effective ids of this process. */
  readonly uid: number;
  readonly gid: number;
  readonly pid: Pid;
  /** The soft limit of open files that the launcher found. The engine has raised its own since then. */
  readonly openFilesLimit?: number;
  /** The stage that the launcher has started, for a command that makes a process. */
  readonly stage?: LaunchedStage;
  /** What to act through, where this process works for another one (runtime/resident/). */
  readonly platform?: Platform;
  /** Device programs that are kept from one command to the next, for a process that performs many. */
  readonly devicePrograms?: DevicePrograms;
}

/**
 * Whether this may be an ordinary user who is root in a user namespace. Only the namespace itself tells for sure. As
 * with runc.
 */
export const isRootOfSomebody = ({ env, uid }: Pick<Host, 'env' | 'uid'>): boolean =>
  uid === 0 && Boolean(env.XDG_RUNTIME_DIR) && env.USER !== 'root';

/**
 * The default state root: in the same place as runc's, by our name.
 * @param inUserNamespace whether this process is in a user namespace. It matters only where `isRootOfSomebody`
 */
export function defaultRoot(host: Pick<Host, 'env' | 'uid'>, inUserNamespace: boolean): string {
  const own = host.env.XDG_RUNTIME_DIR ?? '';
  const isUsers = own !== '' && (host.uid !== 0 || (isRootOfSomebody(host) && inUserNamespace));
  return isUsers ? `${own}/runchart` : '/run/runchart';
}

/** @param told by the launcher, with colons between: the stage's pid, and the descriptors of our ends of its sockets */
export function launchedStage(told: string | undefined): LaunchedStage | undefined {
  if (told === undefined) return undefined;
  const [pid, socket, channel] = told.split(':').map(Number);
  return pid && socket && channel ? { pid, socket, channel, taken: false } : undefined;
}
