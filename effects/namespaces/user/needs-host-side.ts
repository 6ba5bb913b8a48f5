/** Whether a container's mounts take more than its init may do. */

import type { ContainerRecord } from '../../../spec/record.ts';
import type { Mount } from '../../../spec/types.ts';
import { hasNamespace } from '../plan.ts';
import { inUserNamespace } from './mappings.ts';

/** Only the owner of a file system's user namespace maps the ids of its mounts. */
const isIdmapped = ({ uidMappings, gidMappings, options = [] }: Mount): boolean =>
  uidMappings !== undefined || gidMappings !== undefined || options.includes('idmap') || options.includes('ridmap');

export const hasIdmapped = ({ config: { mounts = [] } }: ContainerRecord): boolean => mounts.some(isIdmapped);

/** A user without privileges has no more rights than the container's root: there is no host's side that could help. */
export const needsHostSide = (record: ContainerRecord): boolean =>
  record.owner === 0 &&
  (hasIdmapped(record) || (inUserNamespace(record.config) && hasNamespace(record.config, 'mount')));
