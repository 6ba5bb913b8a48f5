/**
 * Runs programs in a mount namespace that has cgroup2 at /sys/fs/cgroup. On a v1 or hybrid host, this is pure cgroup
 * v2.
 */

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';

const MOUNT_OVER = 'mount --make-rprivate / && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"';

export const inV2View = (program: string, ...args: string[]): SpawnSyncReturns<string> =>
  spawnSync('unshare', ['-m', 'sh', '-c', MOUNT_OVER, 'sh', program, ...args], {
    encoding: 'utf8',
    // Otherwise the runner inside would report to the one outside, in a protocol of its own.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    timeout: 290_000,
  });

/** Why there can be no such view, or none is needed; false if there can be one. */
export function noV2View(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (detectLayout(localKernel(loadLibc())).mode === 'v2') return 'this host is v2: the other files test it';
  return inV2View('true').status === 0 ? false : 'cgroup2 cannot be mounted here';
}
