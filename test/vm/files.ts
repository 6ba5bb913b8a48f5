/**
 * Names the test files that also run in the test machine, because they depend on cgroups, systemd, AppArmor or CRIU.
 */

import { globSync } from 'node:fs';
import { basename } from 'node:path';

const INSIDE = /^(apparmor|cgroups|checkpoint|events|exec-cgroup|library-restore|notify|pause|ps|systemd|update|v2)\b/;
/** These are about other machines: with cgroup v1, or without systemd. */
const OUTSIDE = /-v2\.test|^(cgroups-systemd|systemd-cgroup|update)\.test/;

/** These depend on CRIU. */
const CRIU = /^(checkpoint|library-restore)\b/;

/** Further files: one asks what kernels answer differently, the other what CRIU does for an engine. */
const ENGINE = 'test/engines/containerd-checkpoint.test.ts';
const OTHERS = ['test/effects/running/observe.test.ts', ENGINE];

/**
 * @param repository the path of its root
 * @returns test files, as paths from there
 */
export const filesInside = (repository: string): readonly string[] => [
  ...OTHERS,
  ...named(repository, INSIDE).filter((path) => !OUTSIDE.test(basename(path))),
];

/** The files about CRIU: they run once more with the newest CRIU, on a newer kernel. */
export const criuFiles = (repository: string): readonly string[] => [ENGINE, ...named(repository, CRIU)];

/** The files about SELinux, which run in the machine that has its policy. */
export const selinuxFiles = (repository: string): readonly string[] => named(repository, /^selinux\b/);

const named = (repository: string, names: RegExp): readonly string[] =>
  globSync('test/integration/*.test.ts', { cwd: repository })
    .filter((path) => names.test(basename(path)))
    .toSorted();
