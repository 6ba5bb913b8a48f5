import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeResources } from '../../runtime/update-resources.ts';

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

  it('take zero and nothing for the same, where a zero means nothing', () => {
    const old = { cpu: { quota: 1000, cpus: '0' }, memory: { limit: 10 } };
    const asked = { cpu: { quota: 0, cpus: '', idle: 0 }, memory: { limit: 0 }, pids: { limit: 0 } };
    assert.deepEqual(changeResources(old, asked).written, { cpu: { idle: 0 }, pids: { limit: 0 } });
  });

  it('let go of what no longer fits', () => {
    const unlimited = changeResources({ memory: { limit: 10, swap: 20 } }, { memory: { limit: -1 } });
    assert.deepEqual(unlimited, { written: { memory: { limit: -1 } }, kept: { memory: { limit: -1 } } });
    const idle = changeResources({ cpu: { shares: 5 } }, { cpu: { idle: 1 } });
    assert.deepEqual(idle, { written: { cpu: { idle: 1 } }, kept: { cpu: { idle: 1 } } });
    const checked = changeResources({}, { memory: { limit: 5, checkBeforeUpdate: true } });
    assert.deepEqual(checked, {
      written: { memory: { limit: 5, checkBeforeUpdate: true } },
      kept: { memory: { limit: 5 } },
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
