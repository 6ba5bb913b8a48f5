/** Sets limits and looks what the kernel shows, with the layout and the controllers of this host. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createCgroup } from '../../effects/cgroups/create.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { directoriesOf } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { updateResources } from '../../effects/cgroups/resources.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';

const root = process.getuid?.() === 0;
const local = localKernel(loadLibc());
const layout = detectLayout(local);
const v2 = layout.mode === 'v2';
const parent = `/runchart-test-limits-${process.pid}`;
let count = 0;
const plan = () => planCgroup({ cgroupsPath: `${parent}/c${count++}`, id: 'unused', layout });
after(() => removeCgroup(local, planCgroup({ cgroupsPath: parent, id: 'unused', layout })));

/** Why this host cannot test a controller, or false. */
function lacks(controller: string): string | false {
  if (!root) return 'needs root';
  const has = v2
    ? readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' ').includes(controller)
    : layout.hierarchies.some(({ controllers }) => controllers.includes(controller));
  return has ? false : `this host has no ${controller} controller on ${layout.mode}`;
}

const fileOf = (record: CgroupRecord, controller: string, file: string): string =>
  readFileSync(`${v2 ? record.paths.unified : record.paths[controller]}/${file}`, 'utf8').trim();

/** Makes a cgroup with the resources, and removes it afterwards. */
function withLimits(resources: LinuxResources, body: (record: CgroupRecord) => void): void {
  const record = createCgroup(local, plan(), resources);
  try {
    body(record);
  } finally {
    removeCgroup(local, record);
  }
}

test('pids', { skip: lacks('pids') }, () => {
  withLimits({ pids: { limit: 12 } }, (record) => {
    assert.equal(fileOf(record, 'pids', 'pids.max'), '12');
    updateResources(local, record, { pids: { limit: -1 } });
    assert.equal(fileOf(record, 'pids', 'pids.max'), 'max');
  });
});

test('memory, growing and shrinking', { skip: lacks('memory') }, () => {
  const MiB = 1 << 20;
  const files = v2
    ? ['memory.max', 'memory.swap.max', 'memory.low']
    : ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.soft_limit_in_bytes'];
  const shown = (record: CgroupRecord) => files.map((file) => fileOf(record, 'memory', file));
  const both = (limit: number, swap: number) => [limit, v2 ? swap - limit : swap].map((n) => String(n * MiB));
  const set = (limit: number, swap: number, reservation: number): LinuxResources => ({
    memory: { limit: limit * MiB, swap: swap * MiB, reservation: reservation * MiB },
  });
  withLimits(set(64, 128, 32), (record) => {
    assert.deepEqual(shown(record), [...both(64, 128), String(32 * MiB)]);
    updateResources(local, record, set(256, 512, 16));
    assert.deepEqual(shown(record), [...both(256, 512), String(16 * MiB)]);
    updateResources(local, record, set(32, 64, 16));
    assert.deepEqual(shown(record), [...both(32, 64), String(16 * MiB)]);
    updateResources(local, record, { memory: { limit: -1 } });
    assert.ok(shown(record)[0] === 'max' || Number(shown(record)[0]) > 2 ** 60);
  });
  assert.throws(
    () => withLimits(set(64, 32, 0), () => {}),
    /memory\+swap limit should be|memory\.memsw\.limit_in_bytes: EINVAL/,
  );
});

test('memory.swappiness and the OOM killer of v1', { skip: lacks('memory') || (v2 && 'v2 has neither') }, () => {
  withLimits({ memory: { swappiness: 7, disableOOMKiller: true } }, (record) => {
    assert.equal(fileOf(record, 'memory', 'memory.swappiness'), '7');
    assert.match(fileOf(record, 'memory', 'memory.oom_control'), /^oom_kill_disable 1$/m);
  });
});

test('cpu', { skip: lacks('cpu') }, () => {
  const shown = (record: CgroupRecord) =>
    v2
      ? fileOf(record, 'cpu', 'cpu.max')
      : `${fileOf(record, 'cpu', 'cpu.cfs_quota_us')} ${fileOf(record, 'cpu', 'cpu.cfs_period_us')}`;
  withLimits({ cpu: { shares: 2048, quota: 40_000, period: 50_000, burst: 10_000 } }, (record) => {
    assert.equal(shown(record), '40000 50000');
    assert.equal(fileOf(record, 'cpu', v2 ? 'cpu.weight' : 'cpu.shares'), v2 ? '174' : '2048');
    assert.equal(fileOf(record, 'cpu', v2 ? 'cpu.max.burst' : 'cpu.cfs_burst_us'), '10000');
    updateResources(local, record, { cpu: { quota: 5000, period: 10_000, burst: 1000 } });
    assert.equal(shown(record), '5000 10000');
    updateResources(local, record, { cpu: { quota: 90_000, period: 100_000, burst: 50_000 } });
    assert.equal(shown(record), '90000 100000');
    updateResources(local, record, { cpu: { idle: 1 } });
    assert.equal(fileOf(record, 'cpu', 'cpu.idle'), '1');
  });
});

test('cpusets', { skip: lacks('cpuset') }, () => {
  withLimits({ cpu: { cpus: '0', mems: '0' } }, (record) => {
    assert.equal(fileOf(record, 'cpuset', 'cpuset.cpus'), '0');
    assert.equal(fileOf(record, 'cpuset', 'cpuset.mems'), '0');
  });
  assert.throws(
    () => withLimits({ cpu: { cpus: '4000' } }, () => {}),
    /write 4000 to .*cpuset\.cpus: (EINVAL|ERANGE|EACCES)/,
  );
});

const device = /^(\d+):(\d+)$/m.exec(
  existsSync('/sys/block/vda/dev') ? readFileSync('/sys/block/vda/dev', 'utf8') : '',
);
test('block IO', { skip: lacks(v2 ? 'io' : 'blkio') || (!device && 'no block device vda') }, () => {
  const [major, minor] = [Number(device?.[1]), Number(device?.[2])];
  const on = (rate: number) => [{ major, minor, rate }];
  const resources: LinuxResources = {
    blockIO: {
      weight: 123,
      throttleReadBpsDevice: on(1_000_000),
      throttleWriteBpsDevice: on(2_000_000),
      throttleReadIOPSDevice: on(300),
      throttleWriteIOPSDevice: on(400),
    },
  };
  withLimits(resources, (record) => {
    if (v2) assert.match(fileOf(record, 'io', 'io.max'), /rbps=1000000 wbps=2000000 riops=300 wiops=400/);
    else
      for (const [file, rate] of [
        ['read_bps', 1_000_000],
        ['write_bps', 2_000_000],
        ['read_iops', 300],
        ['write_iops', 400],
      ])
        assert.equal(fileOf(record, 'blkio', `blkio.throttle.${file}_device`), `${major}:${minor} ${rate}`);
    const weights = v2 ? ['io.bfq.weight', 'io.weight'] : ['blkio.weight', 'blkio.bfq.weight'];
    const weight = weights.flatMap((file) => {
      const path = `${v2 ? record.paths.unified : record.paths.blkio}/${file}`;
      return existsSync(path) ? [readFileSync(path, 'utf8').trim()] : [];
    });
    assert.match(weight[0] ?? '', /^(default )?(123|1142)$/m);
  });
});

test('huge pages', { skip: lacks('hugetlb') }, () => {
  const limit = 4 << 20;
  withLimits({ hugepageLimits: [{ pageSize: '2MB', limit }] }, (record) => {
    const suffix = v2 ? 'max' : 'limit_in_bytes';
    assert.equal(fileOf(record, 'hugetlb', `hugetlb.2MB.${suffix}`), String(limit));
    assert.equal(fileOf(record, 'hugetlb', `hugetlb.2MB.rsvd.${suffix}`), String(limit));
  });
});

test('files by their name', { skip: !root || (!v2 && 'v1 has no unified hierarchy') }, () => {
  withLimits({ unified: { 'cgroup.max.depth': '5' } }, (record) => {
    assert.equal(fileOf(record, '', 'cgroup.max.depth'), '5');
  });
  assert.throws(() => withLimits({ unified: { 'no.such': '1' } }, () => {}), /controller "no" not available/);
});

test('what the kernel refuses is told by file, value and reason, and the cgroup is gone', { skip: !root }, () => {
  const planned = plan();
  const [resources, message] = v2
    ? [
        { hugepageLimits: [{ pageSize: '3MB', limit: 1 }] },
        /write 1 to .*\/hugetlb\.3MB\.max: (ENOENT|.*not available)/,
      ]
    : [
        { pids: { limit: 2n ** 62n } },
        /^CgroupError: write 4611686018427387904 to .*\/pids\.max: EINVAL: invalid argument$/,
      ];
  assert.throws(() => createCgroup(local, planned, resources), message);
  for (const directory of directoriesOf(planned)) assert.ok(!existsSync(directory), directory);
});

test('an update that fails leaves everything as it was', { skip: lacks(v2 ? 'hugetlb' : 'pids') }, () => {
  if (v2)
    withLimits(
      { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }], unified: { 'cgroup.max.depth': '4' } },
      (record) => {
        const unified = { 'cgroup.max.depth': '9', 'cgroup.max.descendants': 'x' };
        const resources = { hugepageLimits: [{ pageSize: '2MB', limit: 2 << 20 }], unified };
        assert.throws(() => updateResources(local, record, resources), /cgroup\.max\.descendants: EINVAL/);
        assert.equal(fileOf(record, '', 'hugetlb.2MB.max'), String(4 << 20));
        assert.equal(fileOf(record, '', 'cgroup.max.depth'), '4');
      },
    );
  else
    withLimits({ pids: { limit: 9 }, cpu: { quota: 50_000, period: 100_000 } }, (record) => {
      const resources: LinuxResources = {
        memory: { limit: 64 << 20, swap: 128 << 20 },
        cpu: { quota: 5000, period: 10_000, idle: 7 },
        pids: { limit: 5 },
      };
      assert.throws(() => updateResources(local, record, resources), /write 7 to .*\/cpu\.idle: EINVAL/);
      assert.equal(fileOf(record, 'pids', 'pids.max'), '9');
      assert.equal(fileOf(record, 'cpu', 'cpu.cfs_quota_us'), '50000');
      assert.equal(fileOf(record, 'cpu', 'cpu.cfs_period_us'), '100000');
      assert.ok(Number(fileOf(record, 'memory', 'memory.limit_in_bytes')) > 2 ** 60);
    });
});

test('a controller that is not there', { skip: root ? v2 && 'v2 has one hierarchy for all' : 'needs root' }, () => {
  const known = layout.hierarchies.flatMap(({ controllers }) => controllers);
  if (known.includes('rdma')) return;
  assert.throws(
    () => withLimits({ rdma: { x: { hcaHandles: 1 } } }, () => {}),
    /cannot set rdma limit: container could not join or create cgroup/,
  );
});
