/** Tests the systemd driver with systemd itself, on cgroup v2. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { changeLimits, makeCgroup } from '../../effects/cgroups/by-driver.ts';
import { endCgroup } from '../../effects/cgroups/end.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { members } from '../../effects/cgroups/members.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { connectSystemd, isSystemdRunning } from '../../effects/cgroups/systemd/connect.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { endStage, startStage } from './stages.ts';

const libc = loadLibc();
const local = localKernel(libc);
const layout = detectLayout(local);
const connect = () => connectSystemd(libc, local);

function skipped(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!isSystemdRunning(local)) return 'no systemd here';
  return layout.mode !== 'v2' && 'written for cgroup v2';
}
const skip = skipped();

/** The properties that systemd shows of a unit. A property that is a list comes as several lines. */
function show(unit: string): ReadonlyMap<string, readonly string[]> {
  const lines = execFileSync('systemctl', ['show', unit], { encoding: 'utf8' }).trim().split('\n');
  return Map.groupBy(lines, (line) => line.slice(0, line.indexOf('=')));
}

const MiB = 1 << 20;
const RESOURCES: LinuxResources = {
  devices: [{ allow: false, access: 'rwm' }],
  memory: { limit: 64 * MiB, swap: 128 * MiB, reservation: 32 * MiB },
  cpu: { shares: 2048, quota: 33_333, period: 100_000, cpus: '0', mems: '0' },
  pids: { limit: 50 },
  unified: { 'memory.high': '60000000' },
};

test('a scope with limits, from its birth to its end', { skip }, async () => {
  const unit = `runchart-test-${process.pid}.scope`;
  const cgroupsPath = `machine-runcharttest.slice:runchart:test-${process.pid}`;
  const record = planCgroup({ cgroupsPath, id: 'real', layout, systemd: true });
  const directory = record.paths.unified ?? '';
  const file = (name: string): string => readFileSync(`${directory}/${name}`, 'utf8').trim();
  const creation = await makeCgroup(local, record, {
    id: 'real',
    cgroupsPath,
    resources: RESOURCES,
    connect,
    annotations: { 'org.systemd.property.TimeoutStopSec': '7' },
    ownerUid: 1234,
  });
  const first = startStage(libc, local);
  try {
    creation.enter(first.kernel, { withoutUnified: true });
    assert.match(
      readFileSync(`/proc/${first.pid}/cgroup`, 'utf8'),
      new RegExp(`/machine-runcharttest.slice/${unit}\n`),
    );
    assert.deepEqual(members(local, record), [first.pid]);
    const shown = show(unit);
    for (const line of [
      'Slice=machine-runcharttest.slice',
      'Delegate=yes',
      'TimeoutStopUSec=7s',
      `MemoryMax=${64 * MiB}`,
      `MemorySwapMax=${64 * MiB}`,
      `MemoryLow=${32 * MiB}`,
      'MemoryHigh=60000000',
      'CPUWeight=174',
      'CPUQuotaPerSecUSec=340ms',
      'AllowedCPUs=0',
      'TasksMax=50',
      'DevicePolicy=strict',
      'DeviceAllow=/dev/char/1:3 rwm',
    ])
      assert.ok(shown.get(line.slice(0, line.indexOf('=')))?.includes(line), line);
    assert.deepEqual(['memory.max', 'memory.swap.max', 'cpu.max', 'cpu.weight', 'pids.max', 'cpuset.cpus'].map(file), [
      `${64 * MiB}`,
      `${64 * MiB}`,
      '34000 100000',
      '174',
      '50',
      '0',
    ]);
    for (const name of ['', '/cgroup.procs', '/cgroup.subtree_control'])
      assert.equal(statSync(directory + name).uid, 1234, name);

    await changeLimits(local, record, { ...RESOURCES, pids: { limit: 60 } }, RESOURCES, connect);
    assert.deepEqual([file('pids.max'), show(unit).get('TasksMax')], ['60', ['TasksMax=60']]);
    const bad = { ...RESOURCES, unified: { 'no.such': '1' } };
    await assert.rejects(
      changeLimits(local, record, bad, { ...RESOURCES, pids: { limit: 60 } }, connect),
      /controller "no"/,
    );
    assert.deepEqual([file('pids.max'), show(unit).get('TasksMax')], ['60', ['TasksMax=60']]);
  } finally {
    endStage(local, first);
    await endCgroup(local, record, connect);
  }
  assert.ok(!existsSync(directory));
  await endCgroup(local, record, connect);
});

test('what systemd refuses', { skip }, async () => {
  const cgroupsPath = `:runchart:bad-${process.pid}`;
  const record = planCgroup({ cgroupsPath, id: 'bad', layout, systemd: true });
  const annotations = { 'org.systemd.property.NoSuchThing': '7' };
  const creation = await makeCgroup(local, record, { id: 'bad', cgroupsPath, resources: {}, connect, annotations });
  const first = startStage(libc, local);
  assert.throws(
    () => creation.enter(first.kernel, { withoutUnified: true }),
    /unable to start unit runchart-bad-\d+\.scope \(.*NoSuchThing=i 7.*\): .*NoSuchThing/,
  );
  endStage(local, first);
  assert.ok(!existsSync(record.paths.unified ?? ''));
});
