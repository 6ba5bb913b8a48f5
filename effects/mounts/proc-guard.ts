/**
 * What may be mounted on procfs. The runtime trusts /proc to tell about processes, and engines trust it to hold
 * what they mask: an image or a volume that puts something of its own there undoes both
 * (CVE-2019-16884, CVE-2019-19921, CVE-2023-27561). The rules are runc's.
 */

import { FS_MAGIC } from '../../native/constants/files.ts';
import type { Out } from '../../native/kernel/kernel.ts';
import { viewOf } from '../../native/kernel/struct.ts';
import { EffectError } from '../error.ts';
import { describe } from './failure.ts';
import type { BindStep, FilesystemStep, RemountStep } from './steps.ts';

/** What lxcfs emulates, and two files that checkpointing and FIPS mode replace. */
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

/** A step's destination and source as they were found: fstatfs(2) of their descriptors. */
export interface Placement {
  readonly step: FilesystemStep | BindStep | RemountStep;
  readonly target: Out;
  /** Of a bind on /proc. */
  readonly source: Out | undefined;
}

/**
 * Looked at after the mount has been made, which saves a round trip: nothing of the container has run by then, and a
 * refusal ends its mount namespace.
 * @throws EffectError
 */
export function refuseOnProc({ step, target, source }: Placement): void {
  if (step.at === '/proc') {
    if (isProc(source) || (step.step === 'filesystem' && step.type === 'proc')) return;
    throw new EffectError(`${describe(step)}: "/proc" cannot be mounted because it is not of type proc`);
  }
  if (!isProc(target) || ALLOWED.has(step.at)) return;
  throw new EffectError(`${describe(step)}: ${JSON.stringify(step.at)} cannot be mounted because it is inside /proc`);
}

const isProc = (stat: Out | undefined): boolean =>
  stat !== undefined && viewOf(stat.bytes).getUint32(0, true) === FS_MAGIC.PROC;
