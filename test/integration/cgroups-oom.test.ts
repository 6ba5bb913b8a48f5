/** The OOM watch notices that a container runs out of memory, and that it ends. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createCgroup } from '../../effects/cgroups/create.ts';
import { joinCalls } from '../../effects/cgroups/join.ts';
import { killAll } from '../../effects/cgroups/kill.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { watchOom } from '../../effects/cgroups/oom.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { close, closeRange } from '../../native/calls/files.ts';
import { execve, waitid } from '../../native/calls/process.ts';
import { CLOSE_RANGE } from '../../native/constants/files.ts';
import { P } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { LostPeerError } from '../../native/kernel/kernel.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';

const platform = hostPlatform();
const { local } = platform;
const layout = detectLayout(local);
const path = `/runchart-test-oom-${process.pid}`;
const planned = planCgroup({ cgroupsPath: path, id: 'unused', layout });

const controllers = (): string => readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8');
const hasMemory = layout.mode === 'v2' ? /\bmemory\b/.test(controllers()) : planned.paths.memory !== undefined;
const skip =
  process.getuid?.() !== 0 ? 'needs root' : !hasMemory && `this host has no memory controller on ${layout.mode}`;

test('a process that takes more than its limit', { skip, timeout: 60_000 }, async () => {
  const MiB = 1 << 20;
  const record = createCgroup(local, planned, { memory: { limit: 16 * MiB, swap: 16 * MiB } });
  try {
    const watch = watchOom(local, record);
    assert.deepEqual(watch.look(), { oom: false, gone: layout.mode === 'v2' });
    const stage = platform.spawnStage([0, 1, 2], 'stage');
    perform(stage.kernel, joinCalls(record));
    // The program keeps all that it has read, since it waits for the end of a line.
    const run = [closeRange(3, 1000, CLOSE_RANGE.CLOEXEC), execve('/usr/bin/tail', ['tail', '/dev/zero'], [])];
    assert.throws(() => stage.kernel.submit(run), LostPeerError);
    const info = out(128);
    perform(local, [close(stage.connection), waitid(P.PID, stage.pid, info)]);
    assert.equal(viewOf(info.bytes).getInt32(24, true), SIGNALS.SIGKILL);
    const ready = await platform.poll(watch.awaited, 10_000);
    assert.ok(ready.some((events) => events !== 0));
    assert.ok(watch.look().oom);
    killAll(local, record);
    removeCgroup(local, record);
    assert.deepEqual(watch.look(), { oom: false, gone: true });
    watch.close();
  } finally {
    killAll(local, record);
    removeCgroup(local, record);
  }
});

test('without a memory controller there is an error', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
  const { unified, memory, ...others } = planned.paths;
  assert.throws(() => watchOom(local, { ...planned, paths: others }), /^EffectError: memory controller missing$/);
  assert.throws(
    () => watchOom(local, planned),
    new RegExp(`watch ${unified && layout.mode === 'v2' ? unified : memory} for lack of memory: .*ENOENT`),
  );
});
