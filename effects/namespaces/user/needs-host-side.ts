/** Whether the init may make the container's mounts itself. */

import type { ContainerRecord } from '../../../spec/record.ts';
import type { Mount } from '../../../spec/types.ts';
import { hasNamespace } from '../plan.ts';
import { inUserNamespace } from './mappings.ts';

/** Only the owner of a file system's user namespace may map the ids of its mounts. */
const isIdmapped = ({ uidMappings, gidMappings, options = [] }: Mount): boolean =>
  uidMappings !== undefined || gidMappings !== undefined || options.includes('idmap') || options.includes('ridmap');

export const hasIdmapped = ({ config: { mounts = [] } }: ContainerRecord): boolean => mounts.some(isIdmapped);

/**
 * Whether a process with the runtime's rights has to help. If the runtime belongs to a user without privileges, it has
 * no more rights than the container's root, and could not help.
 */
export const needsHostSide = (record: ContainerRecord): boolean =>
  record.owner === 0 &&
  (hasIdmapped(record) || (inUserNamespace(record.config) && hasNamespace(record.config, 'mount')));
