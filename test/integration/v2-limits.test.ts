/** Every resource of the specification on cgroup v2, by either driver: the kernel's files, and systemd's properties. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import type { LinuxResources } from '../../spec/types.ts';
import { shellConfig } from './bundle.ts';
import { messageOf, RUNCHART } from './command-line.ts';
import { type Life, lives } from './lives.ts';
import { DRIVERS, filesOf, propertiesOf, scopeOf } from './v2.ts';

const MiB = 1 << 20;
/** The disk of the test machine. */
const number = existsSync('/sys/block/vda/dev') ? readFileSync('/sys/block/vda/dev', 'utf8').trim() : undefined;
const noDisk = number === undefined && 'no block device vda';
const [major = 0, minor = 0] = (number ?? '').split(':').map(Number);
/** With BFQ in the kernel its file goes before the cost model's, and has v1's scale. */
const bfq = existsSync('/sys/fs/cgroup/system.slice/io.bfq.weight');
const weightOf = (bfqs: number, others: number): Shown =>
  bfq ? { 'io.bfq.weight': `default ${bfqs}` } : { 'io.weight': `default ${others}` };
const on = (rate: number) => [{ major, minor, rate }];

type Shown = Readonly<Record<string, string>>;

interface Stage {
  readonly resources: LinuxResources;
  readonly files: Shown;
  readonly properties: Shown;
}

const FIRST: Stage = {
  resources: {
    cpu: { shares: 2048, quota: 50_000, period: 100_000, burst: 20_000, cpus: '0', mems: '0' },
    memory: { limit: 64 * MiB, swap: 96 * MiB, reservation: 32 * MiB },
    pids: { limit: 77 },
    hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }],
    blockIO: {
      weight: 250,
      throttleReadBpsDevice: on(1_000_000),
      throttleWriteBpsDevice: on(2_000_000),
      throttleReadIOPSDevice: on(300),
      throttleWriteIOPSDevice: on(400),
    },
    unified: { 'memory.high': '50003968', 'memory.min': '1048576', 'memory.oom.group': '1', 'cgroup.max.depth': '3' },
  },
  files: {
    'cpu.weight': '174',
    'cpu.max': '50000 100000',
    'cpu.max.burst': '20000',
    'cpuset.cpus': '0',
    'cpuset.mems': '0',
    'memory.max': String(64 * MiB),
    'memory.swap.max': String(32 * MiB),
    'memory.low': String(32 * MiB),
    'memory.high': '50003968',
    'memory.min': '1048576',
    'memory.oom.group': '1',
    'pids.max': '77',
    'hugetlb.2MB.max': String(4 * MiB),
    'hugetlb.2MB.rsvd.max': String(4 * MiB),
    ...weightOf(250, 2425),
    'io.max': `${number} rbps=1000000 wbps=2000000 riops=300 wiops=400`,
    'cgroup.max.depth': '3',
  },
  properties: {
    CPUWeight: '174',
    CPUQuotaPerSecUSec: '500ms',
    AllowedCPUs: '0',
    AllowedMemoryNodes: '0',
    MemoryMax: String(64 * MiB),
    MemorySwapMax: String(32 * MiB),
    MemoryLow: String(32 * MiB),
    MemoryHigh: '50003968',
    MemoryMin: '1048576',
    TasksMax: '77',
    IOWeight: '2425',
    DevicePolicy: 'strict',
  },
};

/** What `update` makes of it: growing and shrinking, and lifted limits. */
const SECOND: Stage = {
  resources: {
    cpu: { shares: 512, quota: 250_000, period: 50_000, burst: 0, cpus: '0-1' },
    memory: { limit: 128 * MiB, swap: -1, reservation: 16 * MiB },
    pids: { limit: -1 },
    hugepageLimits: [{ pageSize: '2MB', limit: 2 * MiB }],
    blockIO: { weight: 1000, throttleReadBpsDevice: on(3_000_000) },
    unified: { 'memory.high': 'max', 'cgroup.max.depth': 'max' },
  },
  files: {
    'cpu.weight': '59',
    'cpu.max': '250000 50000',
    'cpu.max.burst': '0',
    'cpuset.cpus': '0-1',
    'cpuset.mems': '0',
    'memory.max': String(128 * MiB),
    'memory.swap.max': 'max',
    'memory.low': String(16 * MiB),
    'memory.high': 'max',
    'pids.max': 'max',
    'hugetlb.2MB.max': String(2 * MiB),
    ...weightOf(1000, 10_000),
    'io.max': `${number} rbps=3000000 wbps=2000000 riops=300 wiops=400`,
    'cgroup.max.depth': 'max',
  },
  properties: {
    CPUWeight: '59',
    CPUQuotaPerSecUSec: '5s',
    AllowedCPUs: '0-1',
    MemoryMax: String(128 * MiB),
    MemorySwapMax: 'infinity',
    MemoryLow: String(16 * MiB),
    MemoryHigh: 'infinity',
    TasksMax: 'infinity',
    IOWeight: '10000',
  },
};

for (const driver of DRIVERS)
  describe(`limits on v2, by the ${driver.name} driver`, { skip: driver.skip || noDisk }, () => {
    const host = lives(`limits-${driver.name}`, driver.globals);
    const { runchart } = host;
    after(() => host.close());

    const configOf = (id: string, resources: LinuxResources, script = 'exec sleep 1000') => {
      const config = shellConfig(script);
      const { linux = {} } = config;
      return {
        ...config,
        linux: { ...linux, cgroupsPath: driver.cgroupsPath(id), resources: { ...linux.resources, ...resources } },
      };
    };
    function start(resources: LinuxResources): Life {
      const id = host.idFor(runchart);
      const bundle = host.bundle(id, configOf(id, resources));
      const { status, stderr } = runchart('run', '--detach', '--bundle', bundle, id);
      assert.equal(status, 0, stderr);
      return { id, bundle, pid: JSON.parse(runchart('state', id).stdout).pid };
    }
    function update(id: string, resources: LinuxResources): void {
      const input = JSON.stringify(resources);
      const argv = ['--root', runchart.root, ...driver.globals, 'update', '-r', '-', id];
      const { status, stderr } = spawnSync(RUNCHART, argv, { input, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }
    function check(id: string, { files, properties }: Omit<Stage, 'resources'>): void {
      assert.deepEqual(filesOf(driver.directory(id), Object.keys(files)), files);
      if (driver.name === 'systemd') assert.deepEqual(propertiesOf(scopeOf(id), Object.keys(properties)), properties);
    }

    it('all of them at once, and changed', () => {
      const { id, pid } = start(FIRST.resources);
      assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`^0::/.*${id}(\\.scope)?\\n$`));
      check(id, FIRST);
      if (driver.name === 'systemd') {
        // It writes all that it knows of anew, and must not lose what it does not.
        spawnSync('systemctl', ['daemon-reload']);
        // Only from 253 on it can be told of the one, and for a scope at its birth; the other has its own scale.
        const { 'memory.oom.group': _, 'io.bfq.weight': __, ...files } = FIRST.files;
        check(id, { ...FIRST, files });
      }
      update(id, SECOND.resources);
      check(id, SECOND);
      // Of these nothing was said.
      assert.deepEqual(filesOf(driver.directory(id), ['memory.min']), { 'memory.min': '1048576' });
    });

    it('an idle cgroup, and zero processes, which mean one', () => {
      const { id } = start({ cpu: { idle: 1 }, pids: { limit: 5 } });
      check(id, { files: { 'cpu.idle': '1', 'pids.max': '5' }, properties: { CPUWeight: 'idle', TasksMax: '5' } });
      update(id, { pids: { limit: 0 }, cpu: { idle: 0 } });
      check(id, { files: { 'cpu.idle': '0', 'pids.max': '1' }, properties: { TasksMax: '1' } });
    });

    it('unified alone, over what the others say', () => {
      const unified = {
        'cpu.max': '10000 100000',
        'cpu.weight': '42',
        'cpuset.cpus': '1',
        'memory.max': '41943040',
        'memory.low': '524288',
        'memory.swap.max': '0',
        'pids.max': '99',
      };
      const { id } = start({ unified, pids: { limit: 5 }, cpu: { shares: 2048 } });
      check(id, {
        files: unified,
        properties: {
          CPUQuotaPerSecUSec: '100ms',
          CPUWeight: '42',
          AllowedCPUs: '1',
          MemoryMax: '41943040',
          MemoryLow: '524288',
          MemorySwapMax: '0',
          TasksMax: '99',
        },
      });
    });

    it('flags of update', () => {
      const { id } = start({ memory: { limit: 64 * MiB, swap: 64 * MiB } });
      const flags = ['--cpu-period', '900000', '--cpu-burst', '500000', '--cpu-share', '100', '--memory', '96m'];
      for (const argv of [
        ['--cpu-quota', '600000', ...flags, '--memory-swap', '128m', '--pids-limit', '10'],
        ['--memory-reservation', '33M', '--cpuset-cpus', '1', '--cpuset-mems', '0'],
      ]) {
        const { status, stderr } = runchart('update', ...argv, id);
        assert.equal(status, 0, stderr);
      }
      const { 'cpu.weight': weight, ...files } = filesOf(driver.directory(id), [
        ...['cpu.weight', 'cpu.max', 'cpu.max.burst', 'memory.max', 'memory.swap.max', 'memory.low', 'pids.max'],
        'cpuset.cpus',
      ]);
      assert.equal(weight, '17');
      assert.deepEqual(files, {
        // systemd rounds the share of a second up to a hundredth.
        'cpu.max': driver.name === 'systemd' ? '603000 900000' : '600000 900000',
        'cpu.max.burst': '500000',
        'memory.max': String(96 * MiB),
        'memory.swap.max': String(32 * MiB),
        'memory.low': String(33 * MiB),
        'pids.max': '10',
        'cpuset.cpus': '1',
      });
    });

    it('what cannot be changes nothing', () => {
      const { id } = start({ pids: { limit: 50 }, memory: { limit: 64 * MiB } });
      const names = ['pids.max', 'memory.max', 'cpu.max', 'cpuset.cpus'];
      const before = filesOf(driver.directory(id), names);
      for (const flags of [
        ['--pids-limit', '20', '--cpuset-cpus', '4000'],
        ['--pids-limit', '20', '--memory', '64m', '--memory-swap', '1m'],
        ['--pids-limit', '20', '--cpu-period', '1'],
      ]) {
        const { status, stderr } = runchart('update', ...flags, id);
        assert.equal(status, 1, `${flags}: ${stderr}`);
        assert.deepEqual(filesOf(driver.directory(id), names), before, String(flags));
        if (driver.name === 'systemd') assert.equal(propertiesOf(scopeOf(id), ['TasksMax']).TasksMax, '50');
      }
    });

    it('of memory, below what is in use, are refused where that is asked for', () => {
      const { id } = start({ memory: { limit: 96 * MiB } });
      assert.equal(runchart('exec', id, 'dd', 'if=/dev/zero', 'of=/dev/shm/x', 'bs=1M', 'count=30').status, 0);
      const input = JSON.stringify({ memory: { limit: 16 * MiB, checkBeforeUpdate: true } });
      const argv = ['--root', runchart.root, ...driver.globals, 'update', '-r', '-', id];
      const { status, stderr } = spawnSync(RUNCHART, argv, { input, encoding: 'utf8' });
      assert.equal(status, 1);
      assert.match(stderr, /rejecting memory limit 16777216/);
      check(id, { files: { 'memory.max': String(96 * MiB) }, properties: { MemoryMax: String(96 * MiB) } });
      assert.equal(JSON.parse(runchart('state', id).stdout).status, 'running');
    });

    it('are in force from the first instruction', () => {
      const id = host.idFor(runchart);
      const config = configOf(
        id,
        { pids: { limit: 6 } },
        'sleep 100 & sleep 100 & (for i in 1 2 3 4 5 6; do sleep 9 & done)',
      );
      const bundle = host.bundle(id, config);
      assert.match(runchart('run', '--bundle', bundle, id).stderr, /can't fork|Resource temporarily unavailable/);
    });

    it('that the kernel refuses fail the creation, and nothing is left', () => {
      const refused: readonly [LinuxResources, RegExp][] = [
        [{ cpu: { cpus: '4000' } }, /4000/],
        [{ unified: { 'no.such': '1' } }, /controller "no" not available/],
        [{ hugepageLimits: [{ pageSize: '3MB', limit: 1 }] }, /hugetlb\.3MB\.max|page size/i],
        [{ rdma: { mlx9_9: { hcaHandles: 1 } } }, /rdma\.max: ENODEV/],
        [{ memory: { limit: 10 * MiB, swap: 5 * MiB } }, /memory\+swap limit should be >= memory limit/],
      ];
      for (const [resources, message] of refused) {
        const id = host.idFor(runchart);
        const bundle = host.bundle(id, configOf(id, resources));
        const ended = runchart('run', '--detach', '--bundle', bundle, id);
        assert.equal(ended.status, 1);
        assert.match(messageOf(ended), message);
        assert.ok(!existsSync(driver.directory(id)));
        if (driver.name === 'systemd') assert.equal(propertiesOf(scopeOf(id), ['LoadState']).LoadState, 'not-found');
      }
    });
  });
