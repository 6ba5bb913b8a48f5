/**
 * What may be mounted on procfs. The runtime trusts /proc to tell about processes, and engines trust it to hold what
 * they mask. If an image or a volume puts something of its own there, it undoes both (CVE-2019-16884, CVE-2019-19921,
 * CVE-2023-27561). The rules are runc's.
 */

import { magicOf } from '../../native/calls/stat.ts';
import { FS_MAGIC } from '../../native/constants/files.ts';
import type { Out } from '../../native/kernel/kernel.ts';
import { EffectError } from '../error.ts';
import { describe } from './failure.ts';
import type { BindStep, FilesystemStep, RemountStep } from './steps.ts';

/** The files that lxcfs emulates, and two that CRIU and FIPS mode replace. */
const ALLOWED: ReadonlySet<string> = new Set(
  [
    'cpuinfo',
    'diskstats',
    'meminfo',
    'stat',
    'swaps',
    'uptime',
    'loadavg',
    'slabinfo',
    'sys/kernel/ns_last_pid',
    'sys/crypto/fips_enabled',
  ].map((name) => `/proc/${name}`),
);

/** What fstatfs(2) tells about the mount point of a step, before the step mounts on it, and about its source. */
export interface ProcCheck {
  readonly step: FilesystemStep | BindStep | RemountStep;
  readonly target: Out;
  /** Looked at if the step binds something on /proc, or remounts that. */
  readonly source: Out | undefined;
}

/**
 * Refuses a step after its mount has been made, which saves a round trip: nothing of the container has run by then, and
 * a refusal ends the container's mount namespace.
 * @throws EffectError
 */
export function refuseOnProc({ step, target, source }: ProcCheck): void {
  if (step.at === '/proc') {
    if (isProc(source) || (step.step === 'filesystem' && step.type === 'proc')) return;
    throw new EffectError(`${describe(step)}: "/proc" cannot be mounted because it is not of type proc`);
  }
  if (!isProc(target) || ALLOWED.has(step.at)) return;
  throw new EffectError(`${describe(step)}: ${JSON.stringify(step.at)} cannot be mounted because it is inside /proc`);
}

const isProc = (statfs: Out | undefined): boolean => statfs !== undefined && magicOf(statfs) === FS_MAGIC.PROC;
