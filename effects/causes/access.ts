/** Who may do what with a file on the way: the permissions that the kernel judges by (path_resolution(7)). */

import { S } from '../../native/constants/files.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Pid } from '../../native/kernel/numbers.ts';

import { hostId, type Mappings } from '../namespaces/user/mappings.ts';
import { readMappings } from '../namespaces/user/read-mappings.ts';
import { readSmallFile, unescaped } from '../paths/proc.ts';
import type { Cause } from './cause.ts';
import type { Scene } from './scene.ts';
import { shown } from './shown.ts';
import type { Place } from './walk.ts';

/** Whoever executes the program, by the ids of the host. */
export interface User {
  /** As config.json has them. */
  readonly uid: number;
  readonly gid: number;
  /** Undefined where they are not mapped. */
  readonly hostUid: number | undefined;
  readonly hostGids: readonly (number | undefined)[];
  /** Has a capability that opens every directory. */
  readonly overrides: boolean;
}

const OVERRIDING: readonly string[] = ['CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH'];

export function userOf({ local, process, pid }: Scene): User {
  const { uid = 0, gid = 0, additionalGids = [] } = process?.user ?? {};
  const mappings = mappingsOf(local, pid);
  const outside = (kind: keyof Mappings, id: number) => (mappings === undefined ? id : hostId(mappings[kind], id));
  const { effective = [] } = process?.capabilities ?? {};
  return {
    uid,
    gid,
    hostUid: outside('uid', uid),
    hostGids: [gid, ...additionalGids].map((id) => outside('gid', id)),
    overrides: effective.some((name) => OVERRIDING.includes(name)),
  };
}

/** @returns undefined where they cannot be read: then ids are taken as they are */
function mappingsOf(local: Kernel, pid: Pid | undefined): Mappings | undefined {
  if (pid === undefined) return undefined;
  try {
    return readMappings(local, pid);
  } catch {
    return undefined;
  }
}

/** Whether a user may enter a directory, or execute a file. Access control lists are not looked at. */
export function mayExecute({ hostUid, hostGids, overrides }: User, { type, permissions, uid, gid }: Place): boolean {
  if (overrides) return type === S.IFDIR || (permissions & 0o111) !== 0;
  const shift = uid === hostUid ? 6 : hostGids.includes(gid) ? 3 : 0;
  return ((permissions >> shift) & 1) === 1;
}

/** `mode 0700, owner 0:0`. */
export const described = ({ permissions, uid, gid }: Place): string =>
  `mode ${permissions.toString(8).padStart(4, '0')}, owner ${uid}:${gid}`;

/** A directory on the way that somebody may not enter; undefined where all are open. */
export function whyClosed(scene: Scene, places: readonly Place[]): Cause | undefined {
  const user = userOf(scene);
  const closed = places.find((place) => place.type === S.IFDIR && !mayExecute(user, place));
  const who = `user ${user.uid}:${user.gid}`;
  return (
    closed && {
      why: `${who} may not enter ${shown(closed.path)}: ${described(closed)}`,
      advice: `Give ${who} the x permission of that directory, or let process.user be one who has it`,
      path: closed.path,
    }
  );
}

/**
 * Why somebody may not execute a file that is there.
 * @param places the way to it, and the file itself
 * @param what it is: `the program`, `its interpreter`
 */
export function whyDenied(
  scene: Scene,
  places: readonly Place[],
  what: string,
  seenBy: Pid | 'self',
): Cause | undefined {
  const user = userOf(scene);
  const file = places.at(-1);
  if (file === undefined) return undefined;
  const who = `user ${user.uid}:${user.gid}`;
  const closed = whyClosed(scene, places.slice(0, -1));
  if (closed !== undefined) return closed;
  if (file.type === S.IFDIR)
    return { why: `${what}, ${shown(file.path)}, is a directory`, advice: 'Name a program', path: file.path };
  if (file.type !== S.IFREG)
    return { why: `${what}, ${shown(file.path)}, is no regular file`, advice: 'Name a program', path: file.path };
  if ((file.permissions & 0o111) === 0)
    return {
      why: `${what}, ${shown(file.path)}, has no x permission: ${described(file)}`,
      advice: `Make it executable: chmod +x ${shown(file.path)}`,
      path: file.path,
    };
  if (!mayExecute(user, file))
    return {
      why: `${who} may not execute ${what}, ${shown(file.path)}: ${described(file)}`,
      advice: `Give ${who} the x permission of that file, or let process.user be one who has it`,
      path: file.path,
    };
  if (file.noexec) {
    const point = mountPoint(scene.local, seenBy, file.mount);
    return {
      why: `${what}, ${shown(file.path)}, is on a mount with noexec${point === undefined ? '' : `: ${shown(point)}`}`,
      advice: 'Take noexec from the options of that mount, or put the program elsewhere',
      path: file.path,
    };
  }
  return undefined;
}

/** Where a mount is, as the process sees it; undefined where that cannot be read. */
export function mountPoint(local: Kernel, seenBy: Pid | 'self', mount: bigint): string | undefined {
  try {
    const lines = readSmallFile(local, `/proc/${seenBy}/mountinfo`).split('\n');
    const point = lines.find((line) => line.startsWith(`${mount} `))?.split(' ')[4];
    return point === undefined ? undefined : unescaped(point);
  } catch {
    return undefined;
  }
}
