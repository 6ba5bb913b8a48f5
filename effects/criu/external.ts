/** The mounts of a container that CRIU neither dumps nor makes by itself: what is bound into it from the host. Pure. */

import type { Config } from '../../spec/types.ts';
import type { MountStep } from '../mounts/steps.ts';
import { configuredDevices } from '../rootfs/configured-devices.ts';
import { DEFAULT_DEVICES } from '../rootfs/devices.ts';

/** A path of the host's, and where the container has it. */
export interface Bound {
  readonly at: string;
  readonly source: string;
}

/** @param steps by which the container's mounts were made, or will be */
export const boundMounts = (steps: readonly MountStep[]): readonly Bound[] =>
  steps.flatMap((step) => (step.step === 'bind' ? [{ at: step.at, source: step.source }] : []));

/** Device nodes that may be binds: where mknod(2) is not permitted, they are bound from the host. */
export const boundDevices = ({ linux }: Config): readonly Bound[] => {
  const paths = [
    ...DEFAULT_DEVICES.map(({ name }) => `/dev/${name}`),
    ...configuredDevices(linux?.devices).map(({ path }) => path),
  ];
  return [...new Set(paths)].map((path) => ({ at: path, source: path }));
};

/** What masks files. One key stands for all masks. */
const MASK = '/dev/null';

/** The key of each external mount point is its own path: so `restore` needs no other list than the config. */
export const externalAtDump = (bound: readonly Bound[], maskedFiles: readonly string[]): readonly string[] => [
  ...bound.map(({ at }) => external(at, at)),
  ...maskedFiles.map((path) => external(path, MASK)),
];

export function externalAtRestore(bound: readonly Bound[], { linux }: Config): readonly string[] {
  const masks = (linux?.maskedPaths ?? []).length > 0 ? [external(MASK, MASK)] : [];
  // The bound device /dev/null gives the same text once more.
  return [...new Set([...bound.map(({ at, source }) => external(at, source)), ...masks])];
}

const external = (key: string, value: string): string => `mnt[${key}]:${value}`;
