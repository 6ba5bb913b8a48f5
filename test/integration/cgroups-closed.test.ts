/**
 * A container without root owns its cgroup, and closes it by chmod(2). The user who runs it owns it too, and opens it.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createCgroup } from '../../effects/cgroups/create.ts';
import { isCgroupError } from '../../effects/cgroups/error.ts';
import { freeze, isFrozen, thaw } from '../../effects/cgroups/freeze.ts';
import { killAll, signalAll } from '../../effects/cgroups/kill.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { members } from '../../effects/cgroups/members.ts';
import { directoriesOf, memberDirectory } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { delegateCgroup } from '../../effects/cgroups/systemd/delegate.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';

const NOBODY = 65_534;
const MARK = 'RUNCHART_TEST_CLOSED';
const local = localKernel(loadLibc());
const layout = detectLayout(local);

// This file also runs itself as another user.
const parent = process.env[MARK];
if (parent === undefined) {
  const readable = () => spawnSync('test', ['-r', import.meta.filename], { uid: NOBODY, gid: NOBODY }).status === 0;
  const skip =
    process.getuid?.() !== 0
      ? 'needs root, to become somebody else'
      : !readable() && 'an ordinary user cannot read this checkout';
  const path = `/runchart-test-closed-${process.pid}`;
  const record = planCgroup({ cgroupsPath: path, id: 'unused', layout });
  after(() => {
    killAll(local, record);
    removeCgroup(local, record);
  });

  test('as an ordinary user, below a cgroup that was delegated', { skip }, () => {
    createCgroup(local, record, {});
    for (const directory of directoriesOf(record)) delegateCgroup(local, directory, NOBODY);
    // On v2 a process can move others there only if it is itself in a cgroup below the delegated one.
    const enter =
      layout.mode === 'v2'
        ? `mkdir ${record.paths.unified}/own; echo $$ > ${record.paths.unified}/own/cgroup.procs;`
        : '';
    const become = `exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups "$@"`;
    const { status, stdout, stderr, error } = spawnSync(
      'sh',
      ['-c', `${enter} ${become}`, 'sh', process.execPath, '--test', import.meta.filename],
      { cwd: '/', encoding: 'utf8', env: { PATH: process.env.PATH, [MARK]: path }, timeout: 60_000 },
    );
    assert.equal(status, 0, `${stdout}${stderr}${error ?? ''}`);
    assert.match(stdout, /^(ℹ|#) pass 2$/m);
  });
} else {
  const explicit = { rootless: true, explicitPath: true };

  test('it is listed, frozen, ended and removed all the same', async () => {
    const record = planCgroup({ id: 'x', cgroupsPath: `${parent}/closed`, layout, rootless: true });
    createCgroup(local, record, {}, explicit);
    const directories = [memberDirectory(record), record.paths.freezer].filter((path) => path !== undefined);
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const levels = directories.flatMap((path) => [path, `${path}/below`, `${path}/below/deep`]);
    const close = (): void => {
      for (const path of levels.toReversed()) for (const name of readdirSync(path)) chmodSync(`${path}/${name}`, 0);
      for (const path of directories) chmodSync(path, 0);
      assert.throws(() => readFileSync(`${directories[0]}/cgroup.procs`), /EACCES/);
    };
    const open = (): void => {
      for (const path of levels) chmodSync(path, 0o755);
    };
    try {
      for (const path of directories) {
        mkdirSync(`${path}/below/deep`, { recursive: true });
        writeFileSync(`${path}/below/deep/cgroup.procs`, `${child.pid}`);
      }
      for (const check of [
        () => assert.deepEqual(members(local, record), [child.pid]),
        () => freeze(local, record),
        () => assert.equal(isFrozen(local, record), true),
        () => thaw(local, record),
        () => signalAll(local, record, SIGNALS.SIGCONT),
        () => killAll(local, record),
      ]) {
        close();
        check();
        open();
      }
      assert.deepEqual(await ended, [null, 'SIGKILL']);
      close();
      removeCgroup(local, record);
      for (const directory of directoriesOf(record)) assert.ok(!existsSync(directory), directory);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });

  test('what somebody else does not allow stays refused', () => {
    // The directory that the cgroup is in belongs to root.
    const record = planCgroup({ id: 'x', cgroupsPath: parent, layout, rootless: true });
    assert.throws(
      () => removeCgroup(local, record),
      (error) => isCgroupError(error, 'EACCES', 'EBUSY'),
    );
    for (const directory of directoriesOf(record)) assert.ok(existsSync(directory), directory);
  });
}
