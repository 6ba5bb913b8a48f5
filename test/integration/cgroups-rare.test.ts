/** Limits that few hosts can have, as far as this one can: what it lacks is said. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createCgroup } from '../../effects/cgroups/create.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { workFolder } from './bundle.ts';
import { until } from './lives.ts';

const root = process.getuid?.() === 0;
const local = localKernel(loadLibc());
const layout = detectLayout(local);
const v2 = layout.mode === 'v2';
const parent = `/runchart-test-rare-${process.pid}`;
const work = workFolder('rare');
let count = 0;
const plan = () => planCgroup({ cgroupsPath: `${parent}/c${count++}`, id: 'unused', layout });
after(() => {
  removeCgroup(local, planCgroup({ cgroupsPath: parent, id: 'unused', layout }));
  work.remove();
});

const directoryOf = (record: CgroupRecord, controller: string): string =>
  (v2 ? record.paths.unified : record.paths[controller]) ?? '';

/** Makes a cgroup with the resources, and removes it again. */
function withLimits(resources: LinuxResources, body: (record: CgroupRecord) => void): void {
  const record = createCgroup(local, plan(), resources);
  try {
    body(record);
  } finally {
    removeCgroup(local, record);
  }
}

/** Whether a new cgroup has a file. */
function has(controller: string, file: string): boolean {
  let found = false;
  withLimits({}, (record) => {
    found = existsSync(join(directoryOf(record, controller), file));
  });
  return found;
}

test('time of real-time processes', { skip: !root && 'needs root' }, (t) => {
  if (v2) return t.skip('cgroup v2 has no such limit');
  if (!has('cpu', 'cpu.rt_runtime_us')) return t.skip('this kernel has no RT_GROUP_SCHED');
  // What a child may have is its parent's, which is nothing at first.
  const above = planCgroup({ cgroupsPath: parent, id: 'unused', layout });
  writeFileSync(join(directoryOf(above, 'cpu'), 'cpu.rt_runtime_us'), '20000');
  withLimits({ cpu: { realtimeRuntime: 3000, realtimePeriod: 500_000 } }, (record) => {
    const read = (file: string) => readFileSync(join(directoryOf(record, 'cpu'), file), 'utf8').trim();
    assert.deepEqual([read('cpu.rt_runtime_us'), read('cpu.rt_period_us')], ['3000', '500000']);
  });
  assert.throws(
    () => withLimits({ cpu: { realtimeRuntime: 400_000, realtimePeriod: 500_000 } }, () => undefined),
    /^CgroupError: write 400000 to .*cpu\.rt_runtime_us: EINVAL/,
  );
});

test('weights of a block device', { skip: !root && 'needs root' }, (t) => {
  const file = v2 ? 'io.bfq.weight' : 'blkio.bfq.weight_device';
  if (!has(v2 ? 'io' : 'blkio', file)) return t.skip(`this kernel's cgroups have no ${file}`);
  const image = join(work.path, 'disk');
  writeFileSync(image, '');
  truncateSync(image, 1 << 20);
  const attached = spawnSync('losetup', ['--find', '--show', image], { encoding: 'utf8' });
  if (attached.status !== 0) return t.skip('no loop device can be attached here');
  const name = attached.stdout.trim().replace('/dev/', '');
  const scheduler = `/sys/block/${name}/queue/scheduler`;
  const before = /\[(\S+)\]/.exec(readFileSync(scheduler, 'utf8'))?.[1] ?? 'none';
  try {
    try {
      writeFileSync(scheduler, 'bfq');
    } catch {
      return t.skip('this kernel has no BFQ for block devices');
    }
    const [major = 0, minor = 0] = readFileSync(`/sys/block/${name}/dev`, 'utf8').trim().split(':').map(Number);
    withLimits({ blockIO: { weight: 200, weightDevice: [{ major, minor, weight: 321 }] } }, (record) => {
      const text = readFileSync(join(directoryOf(record, v2 ? 'io' : 'blkio'), file), 'utf8');
      assert.match(text, new RegExp(`^${major}:${minor} 321$`, 'm'));
    });
  } finally {
    writeFileSync(scheduler, before);
    execFileSync('losetup', ['--detach', `/dev/${name}`]);
  }
});

test('leaf weights, where the kernel has none, are refused by file', { skip: !root && 'needs root' }, (t) => {
  if (v2) return t.skip('cgroup v2 has no such limit');
  if (has('blkio', 'blkio.leaf_weight')) return t.skip('this kernel is older than 5.0 and has them');
  assert.throws(
    () => withLimits({ blockIO: { leafWeight: 100 } }, () => undefined),
    /^CgroupError: write 100 to .*\/blkio\.leaf_weight: ENOENT/,
  );
  assert.throws(
    () => withLimits({ blockIO: { weightDevice: [{ major: 7, minor: 0, leafWeight: 100 }] } }, () => undefined),
    /^CgroupError: write 7:0 100 to .*\/blkio\.leaf_weight_device: ENOENT/,
  );
});

const isKnown = (controller: string) =>
  new RegExp(`\\b${controller}\\b`).test(readFileSync('/proc/self/cgroup', 'utf8'));
const isMounted = (controller: string) =>
  new RegExp(` - cgroup .*\\b${controller}\\b`).test(readFileSync('/proc/self/mountinfo', 'utf8'));

/**
 * A hierarchy goes with its last mount, but for one with a cgroup that is still on its way out: that one stays, mounted nowhere, and
 * containerd's shim finds no cgroup any more (docker's containers have no statistics then).
 */
function endHierarchy(at: string): boolean {
  const script = 'mount -t cgroup -o net_cls,net_prio cgroup "$0" && umount "$0"';
  spawnSync('unshare', ['--mount', 'sh', '-c', script, at]);
  return !isKnown('net_cls');
}

test('network classes and priorities', { skip: !root && 'needs root' }, async (t) => {
  if (v2) return t.skip('net_cls and net_prio are controllers of cgroup v1');
  // Hosts seldom have this hierarchy: it is mounted for a process of ours alone.
  const at = join(work.path, 'network');
  mkdirSync(at);
  const module = (path: string) => JSON.stringify(join(import.meta.dirname, '../..', path));
  const script = `
    const { createCgroup } = await import(${module('effects/cgroups/create.ts')});
    const { detectLayout } = await import(${module('effects/cgroups/layout.ts')});
    const { planCgroup } = await import(${module('effects/cgroups/plan.ts')});
    const { removeCgroup } = await import(${module('effects/cgroups/remove.ts')});
    const { loadLibc } = await import(${module('native/libraries/libc.ts')});
    const { localKernel } = await import(${module('native/performers/local.ts')});
    const { readFileSync } = await import('node:fs');
    const local = localKernel(loadLibc());
    const planned = planCgroup({ cgroupsPath: '${parent}-network', id: 'unused', layout: detectLayout(local) });
    const network = { classID: 1048577, priorities: [{ name: 'lo', priority: 5 }] };
    const record = createCgroup(local, planned, { network });
    const read = (controller, file) => readFileSync(record.paths[controller] + '/' + file, 'utf8').trim();
    console.log(read('net_cls', 'net_cls.classid'), /^lo (\\d+)$/m.exec(read('net_prio', 'net_prio.ifpriomap'))[1]);
    removeCgroup(local, record);`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [
      ...['--mount', 'sh', '-c', 'mount -t cgroup -o net_cls,net_prio cgroup "$0" || exit 77; exec "$@"', at],
      ...[process.execPath, '--input-type=module', '-e', script],
    ],
    { encoding: 'utf8' },
  );
  await until('the hierarchy is gone', () => isMounted('net_cls') || !isKnown('net_cls') || endHierarchy(at));
  rmSync(at, { recursive: true });
  if (status === 77) return t.skip('net_cls and net_prio cannot be mounted here');
  assert.equal(stdout, '1048577 5\n', stderr);
});

test('RDMA handles and objects', { skip: !root && 'needs root' }, (t) => {
  const devices = '/sys/class/infiniband';
  const known = v2
    ? readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').includes('rdma')
    : layout.hierarchies.some(({ controllers }) => controllers.includes('rdma'));
  const rdma = { runcharttest0: { hcaHandles: 2, hcaObjects: 3 } };
  if (!known) {
    const message = v2
      ? /controller "rdma" not available/
      : /cannot set rdma limit: container could not join or create/;
    assert.throws(() => withLimits({ rdma }, () => undefined), message);
    return t.skip(`the controller is not here, which is refused${existsSync(devices) ? '' : '; nor is any device'}`);
  }
  // The kernel knows devices by name.
  assert.throws(
    () => withLimits({ rdma }, () => undefined),
    /^CgroupError: write runcharttest0 hca_handle=2 hca_object=3 to .*\/rdma\.max: E/,
  );
});
