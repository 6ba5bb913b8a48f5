/** The id mappings of a user namespace (user_namespaces(7), "User and group ID mappings"). */

import type { Config, IDMapping } from '../../spec/types.ts';
import { hasNamespace, makesNamespace } from '../namespaces.ts';

export interface Mappings {
  readonly uid: readonly IDMapping[];
  readonly gid: readonly IDMapping[];
}

/** @returns the mappings that the runtime writes; undefined where no user namespace is made */
export function mappingsOf(config: Config): Mappings | undefined {
  if (!makesNamespace(config, 'user')) return undefined;
  return { uid: config.linux?.uidMappings ?? [], gid: config.linux?.gidMappings ?? [] };
}

/** What /proc/PID/uid_map is told, in one write. */
export const mapText = (mappings: readonly IDMapping[]): string =>
  mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');

/** The reverse: what /proc/PID/uid_map tells, as its reader's namespace sees the outer ids. */
export const parseMap = (text: string): readonly IDMapping[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      return { containerID, hostID, size };
    });

/** The id outside; undefined where it is not mapped. */
export function hostId(mappings: readonly IDMapping[], id: number): number | undefined {
  const found = mappings.find(({ containerID, size }) => id >= containerID && id - containerID < size);
  return found === undefined ? undefined : found.hostID + (id - found.containerID);
}

/** Whether the container's processes are in a user namespace other than the runtime's. */
export const inUserNamespace = (config: Config): boolean => hasNamespace(config, 'user');
