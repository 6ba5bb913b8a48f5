/** Real cgroups, below directories of the test's own, on the layout that this host has. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createCgroup, refuseUsed } from '../../effects/cgroups/create.ts';
import { freeze, isFrozen, thaw } from '../../effects/cgroups/freeze.ts';
import { checkJoined, joinCalls } from '../../effects/cgroups/join.ts';
import { killAll, signalAll } from '../../effects/cgroups/kill.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { members } from '../../effects/cgroups/members.ts';
import { cleanPath, directoriesOf } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { findStat, startTimeOf } from '../../effects/paths/proc.ts';
import { pauseContainer } from '../../effects/running/pause.ts';
import { close, closeRange, openat } from '../../native/calls/files.ts';
import { execve, kill, waitid } from '../../native/calls/process.ts';
import { sleep } from '../../native/calls/sleep.ts';
import { ERRNO } from '../../native/constants/errno.ts';
import { AT, CLOSE_RANGE, O } from '../../native/constants/files.ts';
import { P } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { initProgram } from '../../native/init/program.ts';
import { type Kernel, LostPeerError } from '../../native/kernel/kernel.ts';
import { call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { spawnStage } from '../../native/stage/spawn.ts';
import type { CgroupRecord } from '../../spec/record.ts';
import { catches } from './containers.ts';

const missing = process.getuid?.() === 0 ? false : 'needs root';
const libc = loadLibc();
const local = localKernel(libc);
const layout = detectLayout(local);

const parent = `/runchart-test-${process.pid}`;
let count = 0;
const plan = (): CgroupRecord => planCgroup({ cgroupsPath: `${parent}/c${count++}`, id: 'unused', layout });

after(() => {
  const whole = planCgroup({ cgroupsPath: parent, id: 'unused', layout });
  for (const directory of directoriesOf(whole)) if (existsSync(directory)) rmdirSync(directory);
});

// The test runner would wait for a child that outlives a failed test, since the child has its output open.
const started: number[] = [];
after(() => {
  local.submit(started.map((pid) => ({ ...kill(pid, SIGNALS.SIGKILL), mayFail: true as const })));
});

function start(record: CgroupRecord, shell = 'while :; do sleep 0.05; done') {
  const stage = spawnStage(libc, local, { program: initProgram(), descriptors: [0, 1, 2], performer: 'stage' });
  checkJoined(record, stage.kernel.submit(joinCalls(record)).results);
  const run = [closeRange(3, 1000, CLOSE_RANGE.CLOEXEC), execve('/bin/sh', ['sh', '-c', shell], ['PATH=/bin'])];
  assert.throws(() => stage.kernel.submit(run), LostPeerError);
  call(local, close(stage.connection));
  started.push(stage.pid);
  return stage.pid;
}

/** The signal that ended a child; undefined while it runs. */
function ended(pid: number, options = 5): number | undefined {
  const info = out(128);
  perform(local, [waitid(P.PID, pid, info, options)]);
  return viewOf(info.bytes).getInt32(16, true) === 0 ? undefined : viewOf(info.bytes).getInt32(24, true);
}

test('a cgroup is made, joined, frozen, thawed, killed and removed', { skip: missing }, () => {
  const planned = plan();
  refuseUsed(local, planned);
  const record = createCgroup(local, planned, {});
  assert.deepEqual(record, planned);
  for (const directory of directoriesOf(record)) assert.ok(existsSync(directory), directory);
  const pid = start(record, "exec 2>/dev/null; trap 'exit 7' USR1; while :; do sleep 0.02; done");
  while (!catches(pid, SIGNALS.SIGUSR1)) sleep(local, 1);
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')) {
    const [, controllers = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const key = controllers === '' ? 'unified' : (controllers.split(',')[0] ?? '');
    if (key in record.paths) assert.equal(record.paths[key]?.endsWith(path ?? '?'), true, line);
  }
  assert.ok(members(local, record).includes(pid));
  assert.throws(
    () => refuseUsed(local, record),
    /^CgroupError: container's cgroup is not empty: \d process\(es\) found$/,
  );

  assert.equal(isFrozen(local, record), false);
  freeze(local, record);
  assert.equal(isFrozen(local, record), true);
  signalAll(local, record, SIGNALS.SIGUSR1);
  assert.equal(isFrozen(local, record), true, 'a signal does not wake a paused container');
  assert.equal(ended(pid), undefined);
  thaw(local, record);
  assert.equal(isFrozen(local, record), false);
  assert.equal(ended(pid, 4), 7);
  killAll(local, record);
  removeCgroup(local, record);
  for (const directory of directoriesOf(record)) assert.ok(!existsSync(directory), directory);
});

test('a cgroup that is frozen already is refused, even where only the freezer knows it', { skip: missing }, () => {
  const planned = plan();
  const directory = planned.layout === 'v2' ? planned.paths.unified : planned.paths.freezer;
  assert.ok(directory !== undefined);
  mkdirSync(directory, { recursive: true });
  try {
    refuseUsed(local, planned);
    freeze(local, planned);
    assert.throws(() => refuseUsed(local, planned), /^CgroupError: container's cgroup unexpectedly frozen/);
    thaw(local, planned);
  } finally {
    rmdirSync(directory);
  }
});

test('a freeze that somebody undoes meanwhile is not waited for', { skip: missing }, () => {
  const record = createCgroup(local, plan(), {});
  const pid = start(record);
  const [file, thawed] =
    record.layout === 'v2'
      ? [`${record.paths.unified}/cgroup.freeze`, '0']
      : [`${record.paths.freezer}/freezer.state`, 'THAWED'];
  const undone: Kernel = {
    ...local,
    submit(calls) {
      const outcome = local.submit(calls);
      writeFileSync(file, thawed);
      return outcome;
    },
  };
  assert.throws(() => freeze(undone, record), /^CgroupError: unexpected state THAWED while freezing$/);
  assert.equal(isFrozen(local, record), false);
  killAll(local, record);
  assert.equal(ended(pid, 4), SIGNALS.SIGKILL);
  removeCgroup(local, record);
});

test('a signal for all reaches each of them, and stops nobody for it', { skip: missing }, () => {
  const record = createCgroup(local, plan(), {});
  const shell = "exec 2>/dev/null; trap 'exit 7' USR1; while :; do sleep 0.02; done";
  const pids = [start(record, shell), start(record, shell)];
  while (!pids.every((pid) => catches(pid, SIGNALS.SIGUSR1))) sleep(local, 1);
  const told: string[] = [];
  const listening: Kernel = {
    ...local,
    submit(calls) {
      for (const { name, args } of calls) if (name === 'openat') told.push(String(args[1]));
      return local.submit(calls);
    },
  };
  signalAll(listening, record, SIGNALS.SIGUSR1);
  // A freeze would undo a `pause`, and `state` and `exec` would take the container for paused.
  assert.deepEqual(
    told.filter((path) => /freeze/.test(path)),
    [],
  );
  assert.deepEqual(
    pids.map((pid) => ended(pid, 4)),
    [7, 7],
  );
  killAll(local, record);
  removeCgroup(local, record);
});

test('a signal for all reaches nobody who has the pid of one that ended', { skip: missing }, () => {
  const [record, other] = [createCgroup(local, plan(), {}), createCgroup(local, plan(), {})];
  const [inside, outside] = [start(record), start(other)];
  // As if the cgroup had listed a process that has ended, and whose pid the other one has now.
  let looks = 0;
  const late: Kernel = {
    ...local,
    submit(calls) {
      const outcome = local.submit(calls);
      const at = calls.findIndex(({ name }) => name === 'read');
      const into = calls[at]?.args[1];
      const isList = calls.some(({ args }) => String(args[1]).endsWith('/cgroup.procs'));
      if (!isList || into === null || typeof into !== 'object' || !('bytes' in into) || looks++ > 0) return outcome;
      const { written = 0 } = new TextEncoder().encodeInto(`${inside}\n${outside}\n`, into.bytes);
      return { ...outcome, results: outcome.results.with(at, written) };
    },
  };
  signalAll(late, record, SIGNALS.SIGTERM);
  assert.equal(ended(inside, 4), SIGNALS.SIGTERM);
  assert.equal(ended(outside), undefined);
  for (const one of [record, other]) {
    killAll(local, one);
    removeCgroup(local, one);
  }
  assert.equal(ended(outside, 4), SIGNALS.SIGKILL);
});

test('a frozen container is killed all the same', { skip: missing }, () => {
  const record = createCgroup(local, plan(), {});
  const pid = start(record);
  freeze(local, record);
  killAll(local, record);
  assert.equal(ended(pid, 4), SIGNALS.SIGKILL);
  removeCgroup(local, record);
});

test('what was killed before it stood still is not kept from dying', { skip: missing }, () => {
  const record = createCgroup(local, plan(), {});
  const pid = start(record);
  const late: Kernel = {
    ...local,
    submit(calls) {
      const outcome = local.submit(calls);
      if (isFrozen(local, record)) call(local, kill(pid, SIGNALS.SIGKILL));
      return outcome;
    },
  };
  const pause = () => pauseContainer(late, record, { pid, startTime: startTimeOf(local, pid) });
  try {
    // On v2 a frozen process dies of SIGKILL.
    if (record.layout === 'v2') pause();
    else assert.throws(pause, /^EffectError: container not running$/);
    assert.equal(ended(pid, 4), SIGNALS.SIGKILL);
    assert.equal(isFrozen(local, record), record.layout === 'v2');
  } finally {
    killAll(local, record);
    removeCgroup(local, record);
  }
});

test('a container whose init is a zombie by the time that all stands still is not paused', { skip: missing }, (t) => {
  const record = createCgroup(local, plan(), {});
  const pid = start(record);
  const init = { pid, startTime: startTimeOf(local, pid) };
  const dying: Kernel = {
    ...local,
    submit(calls) {
      if (calls.some(({ args }) => args[1] === `/proc/${pid}/stat`)) {
        thaw(local, record);
        call(local, kill(pid, SIGNALS.SIGKILL));
        while (findStat(local, pid)?.state !== 'Z') sleep(local, 1);
        freeze(local, record);
      }
      return local.submit(calls);
    },
  };
  try {
    if (record.layout === 'v2') return t.skip('v2 asks for nothing afterwards');
    assert.throws(() => pauseContainer(dying, record, init), /^EffectError: container not running$/);
    assert.equal(isFrozen(local, record), false);
  } finally {
    killAll(local, record);
    removeCgroup(local, record);
    assert.equal(ended(pid, 4), SIGNALS.SIGKILL);
  }
});

test('a pause that fails lets go of what stands still', { skip: missing }, (t) => {
  const record = createCgroup(local, plan(), {});
  const pid = start(record);
  const init = { pid, startTime: startTimeOf(local, pid) };
  const blind: Kernel = {
    ...local,
    submit(calls) {
      const looks = calls.some(({ args }) => args[1] === `/proc/${pid}/stat`);
      return looks ? { results: [-ERRNO.EMFILE], stoppedAt: 0 } : local.submit(calls);
    },
  };
  try {
    if (record.layout === 'v2') return t.skip('v2 asks for nothing afterwards');
    assert.throws(() => pauseContainer(blind, record, init), /EMFILE/);
    assert.equal(isFrozen(local, record), false);
  } finally {
    killAll(local, record);
    removeCgroup(local, record);
    assert.equal(ended(pid, 4), SIGNALS.SIGKILL);
  }
});

test('cgroups that the container made are emptied and removed with it', { skip: missing }, () => {
  const record = createCgroup(local, plan(), {});
  const inner = planCgroup({ cgroupsPath: `${parent}/c${count - 1}/a/b`, id: 'unused', layout });
  // A container makes it like this: it cannot hand its controllers down, since it has processes itself.
  createCgroup(local, { ...inner, layout: 'hybrid' }, {});
  const [outerPid, innerPid] = [start(record), start(inner)];
  assert.deepEqual(
    [outerPid, innerPid].every((pid) => members(local, record).includes(pid)),
    true,
  );
  killAll(local, record);
  assert.equal(ended(outerPid, 4), SIGNALS.SIGKILL);
  assert.equal(ended(innerPid, 4), SIGNALS.SIGKILL);
  removeCgroup(local, record);
  for (const directory of directoriesOf(record)) assert.ok(!existsSync(directory), directory);
  removeCgroup(local, record);
});

test('what exists is used, and survives a failure', { skip: missing }, () => {
  const record = plan();
  const [first = '', ...others] = directoriesOf(record);
  mkdirSync(first, { recursive: true });
  const broken = {
    ...record,
    paths: { ...record.paths, [layout.mode === 'v2' ? 'unified' : 'pids']: '/proc/no/such' },
  };
  assert.throws(() => createCgroup(local, broken, {}), /\/proc\/no\/such/);
  assert.ok(existsSync(first));
  for (const directory of others) assert.ok(!existsSync(directory), directory);
  createCgroup(local, record, {});
  removeCgroup(local, record);
});

test('a process that cannot be moved is told by file', { skip: missing }, () => {
  const record = plan();
  const { results } = local.submit(joinCalls(record));
  assert.throws(() => checkJoined(record, results), /write 0 to .*\/(tasks|cgroup\.procs): ENOENT/);
});

test('an O_PATH descriptor of the v2 directory can be had', { skip: missing || !layout.unified }, () => {
  const record = createCgroup(local, plan(), {});
  const fd = call(local, openat(AT.FDCWD, record.paths.unified ?? '', O.PATH | O.DIRECTORY));
  call(local, close(fd));
  removeCgroup(local, record);
  assert.equal(cleanPath(parent), parent);
});
