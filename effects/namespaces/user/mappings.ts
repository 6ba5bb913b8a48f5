/** The id mappings of a user namespace (user_namespaces(7), "User and group ID mappings"). */

import type { Config, IDMapping } from '../../../spec/types.ts';
import { EffectError } from '../../error.ts';
import { hasNamespace, makesNamespace } from '../plan.ts';

export interface Mappings {
  readonly uid: readonly IDMapping[];
  readonly gid: readonly IDMapping[];
}

/** The mappings that config.json asks for. */
export const mappingsOf = ({ linux }: Config): Mappings => ({
  uid: linux?.uidMappings ?? [],
  gid: linux?.gidMappings ?? [],
});

/**
 * Compares the mappings of a user namespace that is joined with those that engines write beside its path.
 * @throws EffectError in runc's words if they differ
 */
export function checkMappings(config: Config, actual: Mappings): void {
  const { uid, gid } = mappingsOf(config);
  if (uid.length === 0 && gid.length === 0) return;
  if (mapText(uid) === mapText(actual.uid) && mapText(gid) === mapText(actual.gid)) return;
  throw new EffectError(
    'user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only provide one',
  );
}

/** The text for /proc/PID/uid_map, which accepts one write. */
export const mapText = (mappings: readonly IDMapping[]): string =>
  mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');

/** Parses what /proc/PID/uid_map holds: it shows the outer ids as the reader's own namespace has them. */
export const parseMap = (text: string): readonly IDMapping[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      return { containerID, hostID, size };
    });

/** The id outside the user namespace, for one inside; undefined if that is not mapped. */
export function hostId(mappings: readonly IDMapping[], id: number): number | undefined {
  const found = mappings.find(({ containerID, size }) => id >= containerID && id - containerID < size);
  return found === undefined ? undefined : found.hostID + (id - found.containerID);
}

/** The id inside the user namespace, for one outside; undefined if that is not mapped. */
export const insideId = (mappings: readonly IDMapping[], id: number): number | undefined =>
  hostId(
    mappings.map(({ containerID, hostID, size }) => ({ containerID: hostID, hostID: containerID, size })),
    id,
  );

/** Whether the config puts the container's processes into another user namespace than the runtime's. */
export const inUserNamespace = (config: Config): boolean => hasNamespace(config, 'user');

/** Whether a config makes a user namespace, and says no mapping at all. */
export const lacksMappings = (config: Config): boolean =>
  makesNamespace(config, 'user') && !config.linux?.uidMappings?.length && !config.linux?.gidMappings?.length;
