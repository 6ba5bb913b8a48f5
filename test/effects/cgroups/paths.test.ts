import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directoriesOf, legacyDirectoriesOf, memberDirectory, pathsDownTo } from '../../../effects/cgroups/paths.ts';
import type { CgroupRecord } from '../../../spec/record.ts';

const hybrid: CgroupRecord = {
  layout: 'hybrid',
  driver: 'fs',
  paths: { cpu: '/x/cpu,cpuacct/c', cpuacct: '/x/cpu,cpuacct/c', devices: '/x/devices/c', unified: '/x/unified/c' },
};
const v2: CgroupRecord = { layout: 'v2', driver: 'fs', paths: { unified: '/x/c' } };

test('controllers that are mounted together have one directory', () => {
  assert.deepEqual(directoriesOf(hybrid), ['/x/cpu,cpuacct/c', '/x/devices/c', '/x/unified/c']);
  assert.deepEqual(legacyDirectoriesOf(hybrid), ['/x/cpu,cpuacct/c', '/x/devices/c']);
  assert.deepEqual(legacyDirectoriesOf(v2), []);
});

test('the processes of the devices cgroup are the container’s, and on v2 those of its only cgroup', () => {
  assert.equal(memberDirectory(hybrid), '/x/devices/c');
  assert.equal(memberDirectory({ ...hybrid, paths: { cpu: '/x/cpu/c', pids: '/x/pids/c' } }), '/x/pids/c');
  assert.equal(memberDirectory({ ...hybrid, paths: { cpu: '/x/cpu/c' } }), '/x/cpu/c');
  assert.equal(memberDirectory(v2), '/x/c');
  assert.equal(memberDirectory({ ...v2, paths: {} }), undefined);
});

test('the way down to a directory begins at the topmost one', () => {
  assert.deepEqual(pathsDownTo('/a/b/c'), ['/a', '/a/b', '/a/b/c']);
});
