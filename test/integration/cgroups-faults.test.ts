/** Makes each system call of a cgroup's life fail once, on the real kernel. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createCgroup } from '../../effects/cgroups/create.ts';
import { CgroupError } from '../../effects/cgroups/error.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { directoriesOf } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import type { ErrnoName } from '../../native/constants/errno.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { FaultPlan, faultKernel, onlyCall } from '../simulation/faults.ts';

const skip = process.getuid?.() !== 0 && 'needs root';
const local = localKernel(loadLibc());
const layout = detectLayout(local);
const parent = `/runchart-test-faults-${process.pid}`;
const whole = planCgroup({ cgroupsPath: parent, id: 'unused', layout });
const planned = planCgroup({ cgroupsPath: `${parent}/a/b`, id: 'unused', layout });
const resources: LinuxResources =
  layout.mode === 'v2' ? { unified: { 'cgroup.max.depth': '7' } } : { pids: { limit: 7 }, cpu: { cpus: '0' } };
after(() => removeCgroup(local, whole));

const left = (record: CgroupRecord): readonly string[] => directoriesOf(record).filter((path) => existsSync(path));

function limited(record: CgroupRecord): boolean {
  const file = layout.mode === 'v2' ? `${record.paths.unified}/cgroup.max.depth` : `${record.paths.pids}/pids.max`;
  return readFileSync(file, 'utf8') === '7\n';
}

/** @returns how many calls it takes without a fault */
function countCalls(work: (kernel: typeof local) => unknown): number {
  const plan = new FaultPlan(() => undefined);
  work(faultKernel(local, plan));
  return plan.seen;
}

for (const fault of ['EIO', 'EACCES'] satisfies ErrnoName[])
  test(`creation with ${fault}: one clear error and nothing left, or all that was asked for`, { skip }, () => {
    const calls = countCalls((kernel) => createCgroup(kernel, planned, resources));
    removeCgroup(local, whole);
    let failures = 0;
    for (let n = 1; n <= calls; n++) {
      const plan = new FaultPlan(onlyCall(n, fault));
      try {
        createCgroup(faultKernel(local, plan), planned, resources);
        assert.ok(limited(planned), `call ${n}, ${JSON.stringify(plan.struck[0]?.call.name)}`);
        removeCgroup(local, whole);
      } catch (error) {
        if (!(error instanceof CgroupError)) throw error;
        failures++;
        assert.match(error.message, /^[^\n]+$/);
        // An error about a path names the path and the reason.
        assert.match(
          error.message,
          new RegExp(`${fault}|cannot set|not below a cgroup2 mount|not available`),
          error.message,
        );
        assert.deepEqual(left(whole), [], `call ${n}: ${error.message}`);
      }
    }
    assert.ok(failures > 0);
  });

for (const fault of ['EBUSY', 'EIO', 'ENOENT'] satisfies ErrnoName[])
  test(`removal with ${fault}: gone, or an error and gone the next time`, { skip }, () => {
    createCgroup(local, planned, resources);
    const calls = countCalls((kernel) => removeCgroup(kernel, whole));
    for (let n = 1; n <= calls; n++) {
      createCgroup(local, planned, resources);
      const plan = new FaultPlan(onlyCall(n, fault));
      try {
        removeCgroup(faultKernel(local, plan), whole);
      } catch (error) {
        assert.ok(error instanceof CgroupError && /^rmdir \S+: E/.test(error.message), String(error));
      }
      // This ENOENT is not true. Whoever believes it leaves a directory for the next removal.
      removeCgroup(local, whole);
      assert.deepEqual(left(whole), [], `call ${n}`);
    }
  });
