import type { Config } from '../config/config.ts';
import type { Root } from '../config/mounts.ts';
import type { Process } from '../config/process.ts';
import type { Problem } from '../problem.ts';
import { hookProblems } from './hooks.ts';
import { linuxProblems } from './linux.ts';
import { mountProblems } from './mounts.ts';
import { namespaceProblems } from './namespaces.ts';
import { processProblems } from './process.ts';
import { sysctlProblems } from './sysctl.ts';
import { versionProblems } from './version.ts';

/** A process that has passed the rules: there is a program to execute. */
export type CheckedProcess = Process & { args: [string, ...string[]] };

/** A config that has passed the rules: there is a program, and a root filesystem. */
export type CheckedConfig = Config & { process: CheckedProcess; root: Root };

/**
 * The rules of the specification that a schema can't say, and those that runc adds; lazily, in runc's order.
 * Pure: what depends on the host (does the rootfs exist, which cgroups, who calls) is checked where it is used.
 */
export function* configProblems(config: Config): Generator<Problem> {
  yield* versionProblems(config);
  if (config.process) yield* processProblems(config.process, ['process']);
  else yield { path: ['process'], reason: 'process property must not be empty' };
  yield* mountProblems(config);
  yield* namespaceProblems(config);
  yield* sysctlProblems(config);
  yield* linuxProblems(config);
  yield* hookProblems(config);
}
