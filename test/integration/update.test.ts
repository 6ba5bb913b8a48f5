/** `update`: what the kernel says of the limits, and what state.json does. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { messageOf, noRunc, RUNCHART } from './command-line.ts';
import { lives } from './lives.ts';

const noPids =
  noContainers || (existsSync('/sys/fs/cgroup/pids') ? false : 'the pids controller is not of cgroup v1 here');

describe('update', { skip: noPids }, () => {
  const host = lives('update');
  const { runchart, runc } = host;
  after(() => host.close());

  const record = (id: string) =>
    JSON.parse(readFileSync(join(runchart.root, id, 'state.json'), 'utf8')).snapshot.context;
  const file = (id: string, controller: string, name: string): string =>
    readFileSync(join(record(id).cgroup.paths[controller], name), 'utf8').trim();
  const resources = (id: string) => record(id).config.linux.resources;

  it('sets what is named, and keeps the rest', () => {
    const { id } = host.start();
    const done = { status: 0, stdout: '', stderr: '' };
    assert.deepEqual(runchart('update', '--memory', '64m', '--memory-swap', '-1', '--pids-limit', '77', id), done);
    assert.equal(file(id, 'memory', 'memory.limit_in_bytes'), String(64 << 20));
    assert.equal(file(id, 'pids', 'pids.max'), '77');
    assert.deepEqual(runchart('update', '--cpu-share', '512', '--cpu-period', '50000', id), done);
    assert.deepEqual(runchart('update', '--cpu-quota', '25000', id), done);
    assert.equal(file(id, 'cpu', 'cpu.shares'), '512');
    assert.equal(file(id, 'cpu', 'cpu.cfs_quota_us'), '25000');
    assert.equal(file(id, 'cpu', 'cpu.cfs_period_us'), '50000');
    const { devices, ...kept } = resources(id);
    assert.deepEqual(kept, {
      memory: { limit: 64 << 20, swap: -1 },
      pids: { limit: 77 },
      cpu: { shares: 512, period: 50000, quota: 25000 },
    });
    assert.ok(devices.length > 0);
    assert.deepEqual(runchart('update', '--memory', '-1', id), done);
    assert.deepEqual(resources(id).memory, { limit: -1 });
  });

  it('a limit that is too low for making a container holds once it is made', () => {
    const config = shellConfig('exec sleep 1000');
    for (const limit of [0, 1, 2]) {
      const { id, pid } = host.start({ ...config, linux: { ...config.linux, resources: { pids: { limit } } } });
      assert.equal(file(id, 'pids', 'pids.max'), String(Math.max(limit, 1)));
      assert.equal(file(id, 'pids', 'cgroup.procs'), String(pid));
      assert.equal(resources(id).pids.limit, limit);
    }
  });

  it('reads a file and standard input', () => {
    const { id } = host.start();
    const path = join(host.path, 'resources.json');
    writeFileSync(path, JSON.stringify({ pids: { limit: 31 }, cpu: { shares: 300 } }));
    assert.equal(runchart('update', '-r', path, '--pids-limit', '5', id).status, 0);
    assert.equal(file(id, 'pids', 'pids.max'), '31');
    const input = JSON.stringify({ pids: { limit: 32 } });
    assert.equal(spawnSync(RUNCHART, ['--root', runchart.root, 'update', '-r', '-', id], { input }).status, 0);
    assert.equal(file(id, 'pids', 'pids.max'), '32');
    assert.equal(file(id, 'cpu', 'cpu.shares'), '300');
    writeFileSync(path, JSON.stringify({ PIDs: { Limit: 33 } }));
    assert.equal(runchart('update', '-r', path, id).status, 0);
    assert.equal(file(id, 'pids', 'pids.max'), '33', 'in other capitals');
    writeFileSync(path, JSON.stringify({ pids: { limit: 'x' } }));
    assert.equal(messageOf(runchart('update', '-r', path, id)), `${path}: pids.limit: must be a 64-bit integer`);
  });

  it('leaves all as it was where one limit is refused', () => {
    const { id } = host.start();
    assert.equal(runchart('update', '--pids-limit', '40', '--cpu-share', '400', id).status, 0);
    const before = [resources(id), file(id, 'pids', 'pids.max'), file(id, 'cpu', 'cpu.shares')];
    for (const flags of [
      ['--pids-limit', '50', '--cpu-share', '500', '--cpuset-cpus', '7777'],
      ['--pids-limit', '50', '--memory', '8k'],
      ['--pids-limit', '50', '--cpu-share', '1'],
    ]) {
      const { status, stderr } = runchart('update', ...flags, id);
      assert.equal(status, 1, stderr);
      assert.deepEqual([resources(id), file(id, 'pids', 'pids.max'), file(id, 'cpu', 'cpu.shares')], before);
    }
  });

  it('has runc’s errors', { skip: noRunc }, () => {
    const [ours, theirs] = [host.start().id, host.startRunc().id];
    for (const flags of [
      ['--memory', '5x'],
      ['--memory-swap', 'x'],
      ['--cpu-period', '-1'],
      ['--cpu-quota', '1.5'],
      ['--cpu-share', '18446744073709551616'],
      ['--l3-cache-schema', 'x'],
      ['--mem-bw-schema', 'x'],
    ])
      assert.equal(messageOf(runchart('update', ...flags, ours)), messageOf(runc('update', ...flags, theirs)));
  });
});
