import type { ContainerRecord } from '../../../spec/record.ts';
import type { Hooks } from '../../../spec/types.ts';

/** A container with these hooks, as far as hooks look at it. */
export function aRecord(hooks: Hooks, more: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id: 'c1',
    bundle: '/b',
    root: '/r',
    ociVersion: '1.3.0',
    rootfs: '/b/rootfs',
    created: '2026-01-01T00:00:00.000000000Z',
    owner: 0,
    annotations: {},
    config: { ociVersion: '1.3.0', hooks },
    options: { noPivot: false, noNewKeyring: false, systemdCgroup: false, preserveFds: 0 },
    begun: [],
    reached: 'creating',
    leftovers: [],
    ...more,
  };
}
