/** Tests the systemd driver with a double of systemd's manager on a private bus, and with real cgroups. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { changeLimits, makeCgroup } from '../../effects/cgroups/by-driver.ts';
import { endCgroup } from '../../effects/cgroups/end.ts';
import { checkJoined, joinCalls } from '../../effects/cgroups/join.ts';
import { detectLayout } from '../../effects/cgroups/layout.ts';
import { members } from '../../effects/cgroups/members.ts';
import { directoriesOf } from '../../effects/cgroups/paths.ts';
import { planCgroup } from '../../effects/cgroups/plan.ts';
import { connectSystemd } from '../../effects/cgroups/systemd/connect.ts';
import type { Systemd } from '../../effects/cgroups/systemd/manager.ts';
import { startScope, stopScope, updateScope } from '../../effects/cgroups/systemd/scope.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import type { LinuxResources } from '../../spec/types.ts';
import { end, noBus, type PrivateBus, startBus, until } from '../native/libraries/bus/daemon.ts';
import { endStage, startStage } from './stages.ts';

const skip = process.getuid?.() !== 0 ? 'needs root' : noBus;
const libc = loadLibc();
const local = localKernel(libc);
const layout = detectLayout(local);
const slice = `runcharttest${process.pid}.slice`;
let count = 0;

let bus: PrivateBus;
let manager: ChildProcess;
let systemd: Systemd;

before(async () => {
  if (skip) return;
  bus = await startBus();
  // systemd uses one hierarchy on v2. On a hybrid host it uses its own and the v2 one.
  const hierarchies = [
    ...layout.hierarchies.flatMap(({ controllers, mountpoint }) =>
      controllers.includes('name=systemd') ? [mountpoint] : [],
    ),
    ...(layout.unified ? [layout.unified.mountpoint] : []),
  ];
  const program = `${import.meta.dirname}/../effects/cgroups/systemd/fake-systemd.ts`;
  manager = spawn(process.execPath, [program, bus.address, bus.folder, ...hierarchies], { stdio: 'ignore' });
  await until(() => existsSync(`${bus.folder}/ready`), 'the double of systemd');
  systemd = connectSystemd(libc, local, { address: bus.address });
});
after(async () => {
  if (skip) return;
  systemd.close();
  await end(manager);
  await bus.stop();
  for (const directory of directoriesOf(planCgroup({ cgroupsPath: `/${slice}`, id: 'x', layout })))
    if (existsSync(directory)) rmdirSync(directory);
});

const calls = (): readonly (readonly unknown[])[] =>
  readFileSync(`${bus.folder}/calls.jsonl`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const plan = (name = `c${count++}`) =>
  planCgroup({ cgroupsPath: `${slice}:runchart:${name}`, id: name, layout, systemd: true });

test('a scope is made around a process, limited, changed and ended', { skip }, () => {
  const record = plan();
  const first = startStage(libc, local);
  const request = {
    id: 'c0',
    cgroupsPath: `${slice}:runchart:c0`,
    pid: first.pid,
    resources: layout.mode === 'v2' ? {} : { pids: { limit: 12 }, cpu: { quota: 33_333, period: 100_000 } },
    annotations: { 'org.systemd.property.CollectMode': "'inactive'" },
  };
  const made = startScope(systemd, local, record, request);
  assert.deepEqual(made, record);
  const { results } = first.kernel.submit(joinCalls(record));
  checkJoined(record, results);
  for (const line of readFileSync(`/proc/${first.pid}/cgroup`, 'utf8').trim().split('\n')) {
    const [, controllers = ''] = line.split(':');
    if (controllers === '' || controllers in record.paths) assert.match(line, /\/runchart-c0\.scope$/);
  }
  const [, name, mode, properties] = calls().find(([member]) => member === 'StartTransientUnit') ?? [];
  assert.deepEqual([name, mode], ['runchart-c0.scope', 'replace']);
  const asked = Object.fromEntries(properties as [string, unknown][]);
  assert.deepEqual(
    [asked.Slice, asked.Delegate, asked.PIDs, asked.CollectMode],
    [slice, true, [first.pid], 'inactive'],
  );
  if (layout.mode !== 'v2') {
    assert.deepEqual([asked.TasksMax, asked.CPUQuotaPerSecUSec], ['12', '340000']);
    assert.equal(readFileSync(`${record.paths.pids}/pids.max`, 'utf8'), '12\n');
    assert.equal(readFileSync(`${record.paths.cpu}/cpu.cfs_quota_us`, 'utf8'), '34000\n');
    updateScope(systemd, local, record, { pids: { limit: 13 } }, request.resources);
    assert.equal(readFileSync(`${record.paths.pids}/pids.max`, 'utf8'), '13\n');
    assert.throws(
      () => updateScope(systemd, local, record, { pids: { limit: 14 }, cpu: { idle: 9 } }, request.resources),
      /cpu\.idle: EINVAL/,
    );
    assert.equal(readFileSync(`${record.paths.pids}/pids.max`, 'utf8'), '13\n');
    const set = calls().filter(([member]) => member === 'SetUnitProperties');
    assert.deepEqual(
      set.map(([, , , list]) => Object.fromEntries(list as [string, unknown][]).TasksMax),
      ['13', '14', '12'],
    );
  }
  assert.ok(members(local, record).includes(first.pid));
  systemd.attachProcesses('runchart-c0.scope', [first.pid]);
  endStage(local, first);
  stopScope(systemd, local, record);
  for (const directory of directoriesOf(record)) assert.ok(!existsSync(directory), directory);
  stopScope(systemd, local, record);
});

for (const systemdMakesIt of [true, false])
  test(`either driver is used alike: ${systemdMakesIt ? 'systemd' : 'fs'}`, { skip }, async () => {
    const cgroupsPath = systemdMakesIt ? `${slice}:runchart:alike` : `/${slice}/alike`;
    const planned = planCgroup({ cgroupsPath, id: 'alike', layout, systemd: systemdMakesIt });
    const connect = () => connectSystemd(libc, local, { address: bus.address });
    const limits = (n: number): LinuxResources =>
      layout.mode === 'v2' ? { unified: { 'cgroup.max.depth': `${n}` } } : { pids: { limit: n } };
    const file = layout.mode === 'v2' ? `${planned.paths.unified}/cgroup.max.depth` : `${planned.paths.pids}/pids.max`;
    const creation = await makeCgroup(local, planned, { id: 'alike', cgroupsPath, resources: limits(5), connect });
    const first = startStage(libc, local);
    creation.enter(first.kernel);
    assert.ok(members(local, creation.record).includes(first.pid));
    assert.equal(readFileSync(file, 'utf8'), '5\n');
    await changeLimits(local, creation.record, limits(6), limits(5), connect);
    assert.equal(readFileSync(file, 'utf8'), '6\n');
    endStage(local, first);
    await endCgroup(local, creation.record, connect);
    for (const directory of directoriesOf(planned)) assert.ok(!existsSync(directory), directory);
  });

test('a unit that failed before is forgiven', { skip }, () => {
  const record = plan('exists');
  const first = startStage(libc, local);
  startScope(systemd, local, record, {
    id: 'exists',
    cgroupsPath: `${slice}:runchart:exists`,
    pid: first.pid,
    resources: {},
  });
  endStage(local, first);
  stopScope(systemd, local, record);
});

test('a unit that cannot be, and limits that cannot be: nothing is left', { skip }, () => {
  const first = startStage(libc, local);
  const request = { pid: first.pid, resources: {} };
  const fails = plan('fails');
  assert.throws(
    () => startScope(systemd, local, fails, { ...request, id: 'fails', cgroupsPath: `${slice}:runchart:fails` }),
    /error creating systemd unit runchart-fails\.scope: got failed/,
  );
  const limited = plan('limited');
  const resources = layout.mode === 'v2' ? { unified: { 'no.such': '1' } } : { cpu: { idle: 9 } };
  assert.throws(
    () =>
      startScope(systemd, local, limited, {
        ...request,
        id: 'limited',
        cgroupsPath: `${slice}:runchart:limited`,
        resources,
      }),
    /no\.such|cpu\.idle/,
  );
  for (const directory of [...directoriesOf(fails), ...directoriesOf(limited)])
    assert.ok(!existsSync(directory), directory);
  endStage(local, first);
});

test('what systemd tells of itself', { skip }, () => {
  assert.equal(systemd.version, 252);
  assert.equal(systemd.controlGroup(), '/user.slice/x.service');
});

test('without systemd', { skip: existsSync('/run/systemd/system') && 'systemd is running here' }, () => {
  assert.throws(
    () => connectSystemd(libc, local),
    /systemd not running on this host, cannot use systemd cgroups manager/,
  );
});
