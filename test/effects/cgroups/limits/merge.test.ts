import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeResources } from '../../../../effects/cgroups/limits/merge.ts';
import type { LinuxResources } from '../../../../spec/types.ts';

const CURRENT: LinuxResources = {
  devices: [{ allow: false, access: 'rwm' }],
  memory: { limit: 100, swap: 200, reservation: 5 },
  cpu: { shares: 512, quota: 50, period: 100, cpus: '0' },
  pids: { limit: 7 },
  blockIO: { weight: 10, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 5 }] },
  unified: { 'memory.high': '5' },
};

test('what is not asked for stays', () => {
  assert.deepEqual(mergeResources(CURRENT, {}), CURRENT);
  assert.deepEqual(mergeResources(CURRENT, { memory: {}, cpu: {}, blockIO: {}, pids: {} }), CURRENT);
  assert.deepEqual(mergeResources({}, {}), {});
});

test('what is asked for takes its place, value by value', () => {
  const merged = mergeResources(CURRENT, {
    devices: [{ allow: true, access: 'rwm' }],
    memory: { limit: 300 },
    cpu: { period: 1000 },
    pids: { limit: -1 },
    unified: { 'memory.low': '1' },
    hugepageLimits: [{ pageSize: '2MB', limit: 1 }],
  });
  assert.deepEqual(merged.devices, CURRENT.devices);
  assert.deepEqual(merged.memory, { limit: 300, swap: 200, reservation: 5 });
  assert.deepEqual(merged.cpu, { shares: 512, quota: 50, period: 1000, cpus: '0' });
  assert.deepEqual(merged.pids, { limit: -1 });
  assert.deepEqual(merged.unified, { 'memory.high': '5', 'memory.low': '1' });
  assert.deepEqual(merged.hugepageLimits, [{ pageSize: '2MB', limit: 1 }]);
});

test('unlimited memory, and idle', () => {
  assert.deepEqual(mergeResources(CURRENT, { memory: { limit: -1 } }).memory, { limit: -1, swap: 0, reservation: 5 });
  assert.deepEqual(mergeResources(CURRENT, { memory: { limit: -1, swap: 9 } }).memory?.swap, 9);
  assert.deepEqual(mergeResources(CURRENT, { cpu: { idle: 1 } }).cpu, { ...CURRENT.cpu, idle: 1, shares: 0 });
});

test('lists are by device', () => {
  const blockIO = {
    throttleReadBpsDevice: [
      { major: 8, minor: 0, rate: 6 },
      { major: 8, minor: 16, rate: 7 },
    ],
    weightDevice: [{ major: 8, minor: 0, weight: 20 }],
  };
  assert.deepEqual(mergeResources(CURRENT, { blockIO }).blockIO, { weight: 10, ...blockIO });
  const leaf = mergeResources({ blockIO }, { blockIO: { weightDevice: [{ major: 8, minor: 0, leafWeight: 3 }] } });
  assert.deepEqual(leaf.blockIO?.weightDevice, [{ major: 8, minor: 0, weight: 20, leafWeight: 3 }]);
});
