import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeResources } from '../../../runtime/operations/update-resources.ts';

describe('changed resources', () => {
  it('write what is asked for, and keep the rest', () => {
    const old = { devices: [{ allow: false }], pids: { limit: 5 }, cpu: { cpus: '0-3', shares: 100 } };
    assert.deepEqual(changeResources(old, { pids: { limit: 6 }, cpu: {}, memory: {} }), {
      written: { pids: { limit: 6 } },
      kept: { ...old, pids: { limit: 6 } },
    });
    assert.deepEqual(changeResources(old, { devices: [{ allow: true }] }), { written: {}, kept: old });
  });

  it('write together what the kernel wants together', () => {
    const old = { cpu: { quota: 1000, period: 2000, cpus: '0' }, memory: { limit: 10, swap: 20, reservation: 5 } };
    const { written } = changeResources(old, { cpu: { period: 4000 }, memory: { limit: 15 } });
    assert.deepEqual(written, { cpu: { quota: 1000, period: 4000 }, memory: { limit: 15, swap: 20 } });
  });

  it('treat zero as absent where a zero means nothing', () => {
    const old = { cpu: { quota: 1000, cpus: '0' }, memory: { limit: 10 } };
    const asked = { cpu: { quota: 0, cpus: '', idle: 0 }, memory: { limit: 0 }, pids: { limit: 0 } };
    assert.deepEqual(changeResources(old, asked).written, { cpu: { idle: 0 }, pids: { limit: 0 } });
    const unswapped = { memory: { swappiness: 0 } };
    assert.deepEqual(changeResources({ memory: { swappiness: 60 } }, unswapped), {
      written: unswapped,
      kept: unswapped,
    });
  });

  it('drop what no longer fits', () => {
    const unlimited = changeResources({ memory: { limit: 10, swap: 20 } }, { memory: { limit: -1 } });
    assert.deepEqual(unlimited, { written: { memory: { limit: -1 } }, kept: { memory: { limit: -1 } } });
    const both = changeResources({ memory: { limit: 10, swap: 20 } }, { memory: { limit: -1, swap: 9 } });
    assert.deepEqual(both.written, { memory: { limit: -1, swap: 9 } });
    const idle = changeResources({ cpu: { shares: 5 } }, { cpu: { idle: 1 } });
    assert.deepEqual(idle, { written: { cpu: { idle: 1 } }, kept: { cpu: { idle: 1 } } });
    const checked = changeResources({}, { memory: { limit: 5, checkBeforeUpdate: true } });
    assert.deepEqual(checked, {
      written: { memory: { limit: 5, checkBeforeUpdate: true } },
      kept: { memory: { limit: 5 } },
    });
  });

  it('keep the members that were not asked for', () => {
    const old = {
      pids: { limit: 5 },
      network: { classID: 1, priorities: [{ name: 'lo', priority: 2 }] },
      rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10_000 }, mlx5_2: { hcaHandles: 1 } },
      unified: { 'memory.high': '5' },
      hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
    };
    const nothing = { pids: {}, network: {}, rdma: {}, unified: {}, blockIO: {}, hugepageLimits: [] };
    assert.deepEqual(changeResources(old, nothing), { written: {}, kept: old });
    const asked = {
      network: { classID: 0, priorities: [{ name: 'eth0', priority: 3 }] },
      rdma: { mlx5_1: { hcaHandles: 4 } },
      unified: { 'memory.low': '1' },
      hugepageLimits: [{ pageSize: '1GB', limit: 2 }],
    };
    assert.deepEqual(changeResources(old, asked), {
      written: asked,
      kept: {
        pids: old.pids,
        network: { classID: 1, priorities: [...old.network.priorities, ...asked.network.priorities] },
        rdma: { ...old.rdma, mlx5_1: { hcaHandles: 4, hcaObjects: 10_000 } },
        unified: { 'memory.high': '5', 'memory.low': '1' },
        hugepageLimits: [...old.hugepageLimits, ...asked.hugepageLimits],
      },
    });
  });

  it('merge lists by device', () => {
    const device = (minor: number, rate: number) => ({ major: 8, minor, rate });
    const { kept, written } = changeResources(
      {
        blockIO: {
          throttleReadBpsDevice: [device(0, 1), device(1, 1)],
          weightDevice: [{ major: 8, minor: 0, leafWeight: 9 }],
        },
      },
      {
        blockIO: {
          throttleReadBpsDevice: [device(1, 2), device(2, 2)],
          weightDevice: [{ major: 8, minor: 0, weight: 10 }],
        },
      },
    );
    assert.deepEqual(kept.blockIO, {
      throttleReadBpsDevice: [device(0, 1), device(1, 2), device(2, 2)],
      weightDevice: [{ major: 8, minor: 0, leafWeight: 9, weight: 10 }],
    });
    assert.deepEqual(written.blockIO?.throttleReadBpsDevice, [device(1, 2), device(2, 2)]);
  });
});
