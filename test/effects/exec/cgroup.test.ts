import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { execCgroup } from '../../../effects/exec/cgroup.ts';
import type { CgroupRecord } from '../../../spec/record.ts';

const V1: CgroupRecord = {
  layout: 'hybrid',
  driver: 'fs',
  paths: { cpu: '/c/cpu/x', pids: '/c/pids/x', unified: '/c/unified/x' },
};
const V2: CgroupRecord = { layout: 'v2', driver: 'fs', paths: { unified: '/c/x' } };

describe('the cgroup of exec', () => {
  it("is the container's, or below it", () => {
    assert.deepEqual(execCgroup(V1, []), { record: V1, explicit: false });
    assert.deepEqual(execCgroup(V1, ['/']).record, V1);
    assert.deepEqual(execCgroup(V1, ['a/./b//']).record.paths, {
      ...V1.paths,
      cpu: '/c/cpu/x/a/b',
      pids: '/c/pids/x/a/b',
    });
    assert.deepEqual(execCgroup(V1, ['cpu,pids:/a/../b']).record.paths, {
      ...V1.paths,
      cpu: '/c/cpu/x/b',
      pids: '/c/pids/x/b',
    });
    assert.deepEqual(execCgroup(V2, ['a']), { record: { ...V2, paths: { unified: '/c/x/a' } }, explicit: true });
    // On v2, `/` says that no other cgroup will do.
    assert.deepEqual(execCgroup(V2, ['/']), { record: V2, explicit: true });
    assert.deepEqual(execCgroup(V2, ['']), { record: V2, explicit: false });
  });

  it('is not outside of it, and must be clear', () => {
    for (const [record, given, message] of [
      [V1, ['..'], 'bad sub cgroup path: ..'],
      [V2, ['a/../../xy'], 'bad sub cgroup path: a/../../xy'],
      [V1, ['memory:a'], 'unknown controller memory in SubCgroupPaths'],
      [V1, ['cpu:a', 'b'], 'invalid --cgroup argument: b (missing <controller>: prefix)'],
      [V1, [':a'], 'invalid --cgroup argument: :a (empty <controller> prefix)'],
      [V1, ['cpu:a', 'cpu:b'], 'invalid --cgroup argument(s): controller cpu specified multiple times'],
      [V2, ['cpu:a'], 'invalid --cgroup argument: cpu:a (cgroup v2 has one path for all controllers)'],
    ] as const)
      assert.throws(() => execCgroup(record, given), { message });
  });
});
