/**
 * Names the test files that also run in the test machine, because they depend on cgroups, systemd, AppArmor or CRIU.
 */

import { globSync } from 'node:fs';
import { basename } from 'node:path';

const INSIDE = /^(apparmor|cgroups|checkpoint|criu|events|exec-cgroup|notify|pause|ps|restore|systemd|update|v2)\b/;
/** These are about other machines: with cgroup v1, or without systemd. */
const OUTSIDE = /-v2\.test|^(cgroups-systemd|systemd-cgroup|update)\.test/;

/** Further files: one asks what kernels answer differently, the other what CRIU does for an engine. */
const OTHERS = ['test/effects/running/observe.test.ts', 'test/engines/containerd-checkpoint.test.ts'];

/**
 * @param repository the path of its root
 * @returns test files, as paths from there
 */
export const filesInside = (repository: string): readonly string[] => [
  ...OTHERS,
  ...globSync('test/integration/*.test.ts', { cwd: repository })
    .filter((path) => INSIDE.test(basename(path)) && !OUTSIDE.test(basename(path)))
    .toSorted(),
];
