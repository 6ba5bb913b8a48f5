/** The id mappings of a user namespace (user_namespaces(7), "User and group ID mappings"). */

import type { Config, IDMapping } from '../../../spec/types.ts';
import { EffectError } from '../../error.ts';
import { hasNamespace } from '../plan.ts';

export interface Mappings {
  readonly uid: readonly IDMapping[];
  readonly gid: readonly IDMapping[];
}

/** What config.json says. */
export const mappingsOf = ({ linux }: Config): Mappings => ({
  uid: linux?.uidMappings ?? [],
  gid: linux?.gidMappings ?? [],
});

/**
 * Of a user namespace that is joined: engines write its mappings beside its path. They have to be the ones that it has.
 * @throws EffectError in runc's words
 */
export function checkMappings(config: Config, actual: Mappings): void {
  const { uid, gid } = mappingsOf(config);
  if (uid.length === 0 && gid.length === 0) return;
  if (mapText(uid) === mapText(actual.uid) && mapText(gid) === mapText(actual.gid)) return;
  throw new EffectError(
    'user namespaces enabled, but both namespace path and non-matching mapping specified -- you may only provide one',
  );
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

/** The reverse: the id inside; undefined where it is not mapped. */
export const containerId = (mappings: readonly IDMapping[], id: number): number | undefined =>
  hostId(
    mappings.map(({ containerID, hostID, size }) => ({ containerID: hostID, hostID: containerID, size })),
    id,
  );

/** Whether the container's processes are in a user namespace other than the runtime's. */
export const inUserNamespace = (config: Config): boolean => hasNamespace(config, 'user');
