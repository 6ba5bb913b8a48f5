/** What the runtime sees of a process's user namespace. */

import type { Kernel } from '../../../native/kernel/kernel.ts';
import type { Pid } from '../../../native/kernel/numbers.ts';
import { doing } from '../../error.ts';
import { readSmallFile } from '../../paths/proc.ts';
import { type Mappings, mapText, parseMap } from './mappings.ts';

/** @throws EffectError */
export function readMappings(local: Kernel, pid: Pid): Mappings {
  return doing(`read the id mappings of process ${pid}`, () => ({
    uid: parseMap(readSmallFile(local, `/proc/${pid}/uid_map`)),
    gid: parseMap(readSmallFile(local, `/proc/${pid}/gid_map`)),
  }));
}

/**
 * Whether setgroups(2) is forbidden in the process's user namespace. It is if a user without privileges mapped a group:
 * dropping a group could give him access to files (user_namespaces(7), "The /proc/pid/setgroups file").
 * @throws EffectError
 */
export const groupsDenied = (local: Kernel, pid: Pid): boolean =>
  doing(`look whether process ${pid} may change its groups`, () =>
    readSmallFile(local, `/proc/${pid}/setgroups`).startsWith('deny'),
  );

const EVERY_ID = { containerID: 0, hostID: 0, size: 0xffff_ffff };

/** Whether the runtime itself is in a user namespace, where even root may not do everything. */
export function runsInUserNamespace(local: Kernel): boolean {
  try {
    const [first, ...others] = parseMap(readSmallFile(local, '/proc/self/uid_map'));
    return others.length > 0 || mapText(first === undefined ? [] : [first]) !== mapText([EVERY_ID]);
  } catch {
    return false; // a kernel without user namespaces
  }
}
