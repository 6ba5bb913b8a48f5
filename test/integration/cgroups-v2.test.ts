/** The same tests on pure cgroup v2, where this host is v1 or hybrid: in a mount namespace with cgroup2 at /sys/fs/cgroup. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { loadLibc } from '../../native/libc.ts';
import { localKernel } from '../../native/local.ts';

const mountOver = 'mount --make-rprivate / && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"';
const inV2View = (program: string, ...args: string[]) =>
  spawnSync('unshare', ['-m', 'sh', '-c', mountOver, 'sh', program, ...args], {
    encoding: 'utf8',
    // Or the runner inside would report to the one outside, in its own protocol.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    timeout: 290_000,
  });

function skipped(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (detectLayout(localKernel(loadLibc())).mode === 'v2') return 'this host is v2: the other files test it';
  return inV2View('true').status === 0 ? false : 'cgroup2 cannot be mounted here';
}

const files = readdirSync(import.meta.dirname).filter(
  (name) => /^cgroups.*\.test\.ts$/.test(name) && !/-v2\./.test(name),
);
const skip = skipped();
for (const file of files)
  test(`${file} on pure v2`, { skip }, () => {
    const { status, stdout, stderr } = inV2View(process.execPath, '--test', `${import.meta.dirname}/${file}`);
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
