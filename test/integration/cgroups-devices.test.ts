/** The kernel enforces device rules, on v1, and on v2 by a program. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createCgroup } from '../../effects/cgroups/create.ts';
import { applyDevices } from '../../effects/cgroups/devices/apply.ts';
import { policyOf } from '../../effects/cgroups/devices/policy.ts';
import { deviceProgram, encodeProgram } from '../../effects/cgroups/devices/program.ts';
import { DevicePrograms } from '../../effects/cgroups/devices/programs.ts';
import { containerRules } from '../../effects/cgroups/devices/rules.ts';
import { applyUnifiedDevices } from '../../effects/cgroups/devices/unified.ts';
import { joinCalls } from '../../effects/cgroups/join.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { removeCgroup } from '../../effects/cgroups/remove.ts';
import { loadDeviceProgram, programIds, queryDevicePrograms, readProgramIds } from '../../native/calls/bpf.ts';
import { close, openat } from '../../native/calls/files.ts';
import { waitid } from '../../native/calls/process.ts';
import { AT, O } from '../../native/constants/files.ts';
import { P } from '../../native/constants/process.ts';
import { initProgram } from '../../native/init/program.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { spawnStage } from '../../native/stage/spawn.ts';
import type { CgroupRecord } from '../../spec/record.ts';

const root = process.getuid?.() === 0;
const libc = loadLibc();
const local = localKernel(libc);
const layout = detectLayout(local);
const parent = `/runchart-test-dev-${process.pid}`;
let count = 0;
const plan = () => planCgroup({ cgroupsPath: `${parent}/c${count++}`, id: 'unused', layout });
after(() => removeCgroup(local, planCgroup({ cgroupsPath: parent, id: 'unused', layout })));

function canLoadPrograms(): boolean {
  const fd = attempt(local, loadDeviceProgram(encodeProgram(deviceProgram(policyOf([]))), 'Apache-2.0'));
  if (fd >= 0) call(local, close(fd));
  return fd >= 0;
}
const noPrograms = !root ? 'needs root' : canLoadPrograms() ? false : 'the kernel loads no device programs here';

/** Whether a process in the cgroup may open devices: 0 for each, or `-errno`. */
function inside(record: CgroupRecord, ...asked: readonly [path: string, flags: number][]): readonly number[] {
  const stage = spawnStage(libc, local, { program: initProgram(), descriptors: [0, 1, 2], performer: 'stage' });
  perform(stage.kernel, joinCalls(record));
  const { results } = stage.kernel.submit(
    asked.map(([path, flags]) => ({ ...openat(AT.FDCWD, path, flags), mayFail: true as const })),
  );
  perform(local, [close(stage.connection), waitid(P.PID, stage.pid, out(128))]);
  return results.map((result) => Math.min(result, 0));
}

const EPERM = -1;

test('a process may open what the rules allow, and what the default ones do', { skip: !root || noPrograms }, () => {
  const record = createCgroup(local, plan(), {
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
    ],
  });
  assert.deepEqual(inside(record, ['/dev/null', O.RDWR], ['/dev/kmsg', O.RDONLY], ['/dev/kmsg', O.WRONLY]), [
    0,
    0,
    EPERM,
  ]);
  if (record.paths.devices !== undefined)
    assert.match(readFileSync(`${record.paths.devices}/devices.list`, 'utf8'), /^c 1:11 r$/m);

  applyDevices(local, record, { devices: [{ allow: false, access: 'rwm' }] });
  assert.deepEqual(inside(record, ['/dev/null', O.RDWR], ['/dev/kmsg', O.RDONLY]), [0, EPERM]);
  applyDevices(local, record, { devices: [{ allow: true, access: 'rwm' }] });
  assert.deepEqual(inside(record, ['/dev/kmsg', O.RDONLY]), [0]);
  // An access that is denied is also refused together with one that is allowed.
  applyDevices(local, record, {
    devices: [
      { allow: true, access: 'rwm' },
      { allow: false, type: 'c', major: 1, minor: 11, access: 'w' },
    ],
  });
  assert.deepEqual(inside(record, ['/dev/kmsg', O.RDONLY], ['/dev/kmsg', O.RDWR], ['/dev/null', O.RDWR]), [
    0,
    EPERM,
    0,
  ]);
  removeCgroup(local, record);
  assert.ok(!existsSync(record.paths.devices ?? record.paths.unified ?? ''));
});

test('on v2 there is one program, which is replaced', { skip: noPrograms || !layout.unified }, () => {
  const record = createCgroup(local, { ...plan() }, {});
  const directory = record.paths.unified ?? '';
  const attached = () => {
    const fd = call(local, openat(AT.FDCWD, directory, O.RDONLY | O.DIRECTORY));
    const ids = programIds();
    call(local, queryDevicePrograms(fd, ids));
    call(local, close(fd));
    return readProgramIds(ids);
  };
  applyUnifiedDevices(local, directory, policyOf(containerRules(undefined)));
  const before = attached();
  assert.equal(before.length, 1);
  applyUnifiedDevices(local, directory, policyOf(containerRules([{ allow: true, type: 'b', access: 'r' }])));
  const afterwards = attached();
  assert.equal(afterwards.length, 1);
  assert.notDeepEqual(before, afterwards);
  removeCgroup(local, record);
});

test('a program that is kept serves any number of cgroups', { skip: noPrograms || !layout.unified }, () => {
  const record = createCgroup(local, plan(), {});
  const directory = record.paths.unified ?? '';
  const attached = () => {
    const fd = call(local, openat(AT.FDCWD, directory, O.RDONLY | O.DIRECTORY));
    const ids = programIds();
    call(local, queryDevicePrograms(fd, ids));
    call(local, close(fd));
    return readProgramIds(ids).join();
  };
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  const programs = new DevicePrograms(local);
  const apply = (...rules: Parameters<typeof containerRules>) => {
    applyUnifiedDevices(local, directory, policyOf(containerRules(...rules)), programs);
    return attached();
  };
  const first = apply(undefined);
  const other = apply([{ allow: true, type: 'b', access: 'r' }]);
  assert.notEqual(other, first);
  assert.equal(apply(undefined), first, 'not loaded again');
  for (let minor = 0; minor < 20; minor++)
    apply([{ allow: true, type: 'c', major: 1, minor: 100 + minor, access: 'r' }]);
  assert.ok(open() - before <= 8, 'some are kept, not all');
  programs.close();
  assert.equal(open(), before);
  removeCgroup(local, record);
});

test('the verifier takes programs of many rules', { skip: noPrograms }, () => {
  const many = Array.from({ length: 500 }, (_, i) => ({
    allow: true,
    type: 'c',
    major: i,
    minor: i * 3,
    access: 'rw',
  }));
  for (const first of [true, false]) {
    const rules = many.map((rule) => ({ ...rule, allow: !first }));
    const policy = policyOf(containerRules([{ allow: first, access: 'rwm' }, ...rules]));
    const fd = call(local, loadDeviceProgram(encodeProgram(deviceProgram(policy)), 'Apache-2.0'));
    call(local, close(fd));
  }
});
