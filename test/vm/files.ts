/** Which test files run in the test machine as well: what depends on cgroups, systemd, AppArmor, and CRIU. */

import { globSync } from 'node:fs';
import { basename } from 'node:path';

const INSIDE = /^(apparmor|cgroups|checkpoint|criu|events|exec-cgroup|notify|pause|ps|restore|systemd|update|v2)\b/;
/** These are about machines that are otherwise: with cgroup v1, or without systemd. */
const OUTSIDE = /-v2\.test|^(cgroups-systemd|systemd-cgroup|update)\.test/;

/** Beside those with containers: what other kernels answer otherwise, and what CRIU is to an engine. */
const OTHERS = ['test/effects/running/observe.test.ts', 'test/engines/containerd-checkpoint.test.ts'];

/** @param repository its root. @returns test files, from there */
export const filesInside = (repository: string): readonly string[] => [
  ...OTHERS,
  ...globSync('test/integration/*.test.ts', { cwd: repository })
    .filter((path) => INSIDE.test(basename(path)) && !OUTSIDE.test(basename(path)))
    .toSorted(),
];
