/** Cgroups of an ordinary user. The runtime goes on without those that it cannot make, unless they were asked for. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { createCgroup } from '../../effects/cgroups/create.ts';
import { freeze, isFrozen } from '../../effects/cgroups/freeze.ts';
import { joinCalls } from '../../effects/cgroups/join.ts';
import { killAll, signalAll } from '../../effects/cgroups/kill.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { members } from '../../effects/cgroups/members.ts';
import { directoriesOf } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { delegateCgroup } from '../../effects/cgroups/systemd/delegate.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';

const NOBODY = 65_534;
const MARK = 'RUNCHART_TEST_UNPRIVILEGED';
const local = localKernel(loadLibc());
const layout = detectLayout(local);

// This file also runs itself as another user. A variable marks that run, and it runs the other tests.
const parent = process.env[MARK];
if (parent === undefined) {
  const readable = () => spawnSync('test', ['-r', import.meta.filename], { uid: NOBODY, gid: NOBODY }).status === 0;
  const skip =
    process.getuid?.() !== 0
      ? 'needs root, to become somebody else'
      : !readable() && 'an ordinary user cannot read this checkout';
  const path = `/runchart-test-rootless-${process.pid}`;
  const record = planCgroup({ cgroupsPath: path, id: 'unused', layout });
  after(() => removeCgroup(local, record));

  test('as an ordinary user, below a cgroup that was delegated', { skip }, () => {
    createCgroup(local, record, {});
    for (const directory of directoriesOf(record)) delegateCgroup(local, directory, NOBODY);
    const { status, stdout, stderr, error } = spawnSync(process.execPath, ['--test', import.meta.filename], {
      uid: NOBODY,
      gid: NOBODY,
      cwd: '/',
      encoding: 'utf8',
      env: { PATH: process.env.PATH, [MARK]: path },
      timeout: 60_000,
    });
    assert.equal(status, 0, `${stdout}${stderr}${error ?? ''}`);
    assert.match(stdout, /^(ℹ|#) pass 3$/m);
  });
} else {
  const rootless = true;

  test('where nothing is allowed and nothing was asked for, there is no cgroup, and that is fine', () => {
    const planned = planCgroup({ id: `runchart-test-rootless-${process.pid}`, layout, rootless });
    const record = createCgroup(local, planned, {}, { rootless });
    assert.deepEqual(record, { ...planned, paths: {} });
    assert.deepEqual(joinCalls(record), []);
    assert.deepEqual(members(local, record), []);
    assert.equal(isFrozen(local, record), false);
    assert.throws(() => freeze(local, record), /cannot toggle freezer: cgroups not configured for container/);
    signalAll(local, record, SIGNALS.SIGTERM);
    killAll(local, record);
    removeCgroup(local, record);
  });

  test('limits and paths that were asked for are not done without', () => {
    const planned = planCgroup({ id: `runchart-test-rootless-${process.pid}`, layout, rootless });
    const resources = layout.mode === 'v2' ? { unified: { 'cgroup.max.depth': '3' } } : { pids: { limit: 3 } };
    assert.throws(
      () => createCgroup(local, planned, resources, { rootless }),
      /rootless needs no limits \+ no cgrouppath|cannot set pids limit: container could not join or create cgroup/,
    );
    const explicit = planCgroup({ id: 'x', cgroupsPath: `/runchart-test-rootless-x${process.pid}`, layout, rootless });
    assert.throws(
      () => createCgroup(local, explicit, {}, { rootless, explicitPath: true }),
      /^CgroupError: unable to apply cgroup configuration: mkdir \/sys\/fs\/cgroup\/\S+: (EACCES|EPERM|EROFS)/,
    );
    for (const directory of directoriesOf(explicit)) assert.ok(!existsSync(directory));
  });

  test('below a delegated cgroup it is as for root', () => {
    const record = planCgroup({ id: 'x', cgroupsPath: `${parent}/c`, layout, rootless });
    const made = createCgroup(local, record, {}, { rootless, explicitPath: true });
    assert.deepEqual(made, record);
    for (const directory of directoriesOf(made)) assert.ok(existsSync(directory), directory);
    freeze(local, made);
    assert.equal(isFrozen(local, made), true);
    removeCgroup(local, made);
    for (const directory of directoriesOf(made)) assert.ok(!existsSync(directory), directory);
    if (layout.mode !== 'hybrid') return;
    // On a hybrid host the v2 hierarchy limits nothing. A user who was not given it goes on without it.
    const { unified } = planCgroup({ id: `runchart-test-rootless-${process.pid}`, layout }).paths;
    assert.ok(unified !== undefined);
    const without = createCgroup(
      local,
      { ...record, paths: { ...record.paths, unified } },
      {},
      { rootless, explicitPath: true },
    );
    assert.equal(without.paths.unified, undefined);
    assert.equal(existsSync(unified), false);
    for (const directory of directoriesOf(without)) assert.ok(existsSync(directory), directory);
    removeCgroup(local, without);
  });
}
