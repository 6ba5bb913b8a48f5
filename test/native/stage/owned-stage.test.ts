import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { hostPlatform } from '../../../native/host-platform.ts';
import { call } from '../../../native/kernel/perform.ts';
import { OwnedStage } from '../../../native/stage/owned-stage.ts';

const descriptors = () => readdirSync('/proc/self/fd').length;

test('a stage ends with the block that declares it, also where that fails', () => {
  const { local, spawnStage } = hostPlatform();
  // The first one may open what later ones use too.
  new OwnedStage(local, spawnStage([0, 1, 2], 'stage'))[Symbol.dispose]();
  const before = descriptors();
  let pid = 0;
  assert.throws(() => {
    using owned = new OwnedStage(local, spawnStage([0, 1, 2], 'stage'));
    pid = owned.stage.pid;
    assert.equal(call(owned.stage.kernel, { name: 'getpid', args: [] }), pid);
    throw new Error('in between');
  }, /in between/);
  assert.equal(existsSync(`/proc/${pid}`), false, 'it has been reaped');
  assert.equal(descriptors(), before);
});
