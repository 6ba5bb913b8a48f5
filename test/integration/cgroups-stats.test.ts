/** Compares statistics of a cgroup with those of runc, where runc is installed. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { createCgroup } from '../../effects/cgroups/create.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { readStats } from '../../effects/cgroups/stats/read.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';

const root = process.getuid?.() === 0;
const local = localKernel(loadLibc());
const layout = detectLayout(local);
const cgroupsPath = `/runchart-test-stats-${process.pid}`;
const record = planCgroup({ cgroupsPath, id: 'unused', layout });

test('an empty cgroup', { skip: !root }, () => {
  const made = createCgroup(local, record, {});
  const stats = readStats(local, made);
  assert.deepEqual(Object.keys(stats), [
    ...['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces'],
  ]);
  assert.deepEqual(stats.pids, {});
  removeCgroup(local, made);
});

/** The paths of a JSON value's leaves. */
const leaves = (value: unknown, wanted: (leaf: unknown) => boolean, path = ''): readonly string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, wanted, `${path}.${key}`))
    : wanted(value)
      ? [path]
      : [];

const busybox = '/bin/busybox';
const noRunc =
  !root || spawnSync('runc', ['--version']).status !== 0 || !existsSync(busybox)
    ? 'needs root, runc and busybox'
    : false;

test('the same fields and values as runc tells', { skip: noRunc }, () => {
  const bundle = mkdtempSync(`${tmpdir()}/runchart-test-`);
  const runc = (...args: string[]) =>
    execFileSync('runc', ['--root', `${bundle}/state`, ...args], { cwd: bundle, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    mkdirSync(`${bundle}/rootfs/bin`, { recursive: true });
    copyFileSync(busybox, `${bundle}/rootfs/bin/busybox`);
    runc('spec');
    const config = JSON.parse(readFileSync(`${bundle}/config.json`, 'utf8'));
    Object.assign(config.process, { terminal: false, args: ['/bin/busybox', 'sleep', '1000'] });
    Object.assign(config.linux, { cgroupsPath });
    writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
    const id = `stats-${process.pid}`;
    // Without output, since the container would keep our pipe open.
    spawnSync('runc', ['--root', `${bundle}/state`, 'run', '-d', id], { cwd: bundle, stdio: 'ignore' });
    try {
      // A frozen container uses nothing more.
      runc('pause', id);
      const theirs = JSON.parse(runc('events', '--stats', id).toString()).data;
      const ours = readStats(local, record);
      const known = leaves(ours, () => true);
      // runc 1.1 shows some zeros that later versions leave out.
      const missing = leaves(theirs, Boolean).filter((leaf) => !known.includes(leaf));
      assert.deepEqual(missing, []);
      assert.deepEqual(ours.pids, theirs.pids);
      assert.deepEqual(ours.cpu.usage?.total, theirs.cpu.usage.total);
      assert.deepEqual(ours.cpuset, theirs.cpuset);
      assert.equal(Number(ours.memory.usage?.limit ?? 0), theirs.memory.usage.limit);
      // On v2 runc shows the peak since 1.2. And the kernel updates memory.stat whenever it likes.
      if (layout.mode === 'v2') return;
      assert.equal(ours.memory.usage?.max, theirs.memory.usage.max);
      assert.equal(ours.memory.raw?.pgfault, theirs.memory.raw?.pgfault);
    } finally {
      runc('delete', '--force', id);
    }
  } finally {
    rmSync(bundle, { recursive: true });
  }
});
