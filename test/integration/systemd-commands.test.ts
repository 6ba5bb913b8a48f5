/**
 * `--systemd-cgroup` by the commands, on a host with systemd: the scope from its birth to its end, and what others do
 * to it.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Config } from '../../spec/types.ts';
import { shellConfig } from './bundle.ts';
import { messageOf, RUNCHART } from './command-line.ts';
import { lives, until, waiting } from './lives.ts';
import { filesOf, noSystemd, propertiesOf } from './v2.ts';

describe('--systemd-cgroup', { skip: noSystemd }, () => {
  const host = lives('systemd', ['--systemd-cgroup']);
  const { runchart } = host;
  after(() => host.close());

  const configOf = (config: Config, cgroupsPath?: string, more: Partial<Config> = {}): Config => ({
    ...config,
    ...more,
    linux: { ...config.linux, ...(cgroupsPath === undefined ? {} : { cgroupsPath }) },
  });
  const cgroupOf = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().slice('0::'.length);
  const stateOf = (id: string) => JSON.parse(runchart('state', id).stdout);
  const gone = (unit: string): void => {
    assert.deepEqual(propertiesOf(unit, ['LoadState', 'ActiveState']), {
      LoadState: 'not-found',
      ActiveState: 'inactive',
    });
  };

  it('a life in a scope', async () => {
    const id = host.idFor(runchart);
    const scope = `runc-${id}.scope`;
    const bundle = host.bundle(id, waiting());
    const created = runchart('create', '--bundle', bundle, id);
    assert.equal(created.status, 0, created.stderr);
    const { pid } = stateOf(id);
    assert.equal(cgroupOf(pid), `/system.slice/${scope}`);
    assert.deepEqual(
      propertiesOf(scope, [
        ...['Description', 'Slice', 'ActiveState', 'SubState', 'Delegate', 'Transient', 'MemoryAccounting'],
        ...['CPUAccounting', 'IOAccounting', 'TasksAccounting', 'DefaultDependencies', 'ControlGroup'],
      ]),
      {
        Description: `runchart container ${id}`,
        Slice: 'system.slice',
        ActiveState: 'active',
        SubState: 'running',
        Delegate: 'yes',
        Transient: 'yes',
        MemoryAccounting: 'yes',
        CPUAccounting: 'yes',
        IOAccounting: 'yes',
        TasksAccounting: 'yes',
        DefaultDependencies: 'no',
        ControlGroup: `/system.slice/${scope}`,
      },
    );
    assert.equal(runchart('start', id).status, 0);

    const directory = `/sys/fs/cgroup/system.slice/${scope}`;
    assert.match(
      readFileSync(`${directory}/cgroup.controllers`, 'utf8'),
      /^cpuset cpu io memory hugetlb pids rdma misc\n$/,
    );
    assert.equal(runchart('pause', id).status, 0);
    assert.match(readFileSync(`${directory}/cgroup.events`, 'utf8'), /^frozen 1$/m);
    assert.equal(stateOf(id).status, 'paused');
    assert.equal(runchart('resume', id).status, 0);

    assert.equal(runchart('exec', id, 'cat', '/proc/self/cgroup').stdout, `0::/\n`);
    assert.equal(runchart('exec', '--detach', id, 'sleep', '1000').status, 0);
    const members = readFileSync(`${directory}/cgroup.procs`, 'utf8').trim().split('\n').map(Number);
    const listed: number[] = JSON.parse(runchart('ps', '--format', 'json', id).stdout);
    // Its first process, and the one of `exec`; others come and go.
    assert.ok(members.length >= 2);
    assert.ok(listed.includes(pid) && members.filter((one) => listed.includes(one)).length >= 2);
    const { data } = JSON.parse(runchart('events', '--stats', id).stdout);
    assert.ok(data.pids.current >= 2);

    assert.equal(runchart('update', '--pids-limit', '88', id).status, 0);
    assert.deepEqual(propertiesOf(scope, ['TasksMax']), { TasksMax: '88' });
    assert.equal(runchart('kill', id, 'TERM').status, 0);
    await until('it has ended', () => stateOf(id).status === 'stopped');
    assert.equal(runchart('delete', id).status, 0);
    assert.ok(!existsSync(directory));
    gone(scope);
  });

  it('in a slice below slices, with properties from annotations', () => {
    const id = host.idFor(runchart);
    const annotations = {
      'org.systemd.property.TimeoutStopSec': '7',
      'org.systemd.property.CollectMode': "'inactive-or-failed'",
      'org.systemd.property.MemoryHigh': 'uint64 100003840',
      'org.systemd.property.After': "['local-fs.target']",
    };
    const bundle = host.bundle(id, configOf(waiting(), `charts-deep.slice:pre:${id}`, { annotations }));
    const { status, stderr } = runchart('run', '--detach', '--bundle', bundle, id);
    assert.equal(status, 0, stderr);
    const scope = `pre-${id}.scope`;
    assert.equal(cgroupOf(stateOf(id).pid), `/charts.slice/charts-deep.slice/${scope}`);
    const { After, ...others } = propertiesOf(scope, [
      'TimeoutStopUSec',
      'CollectMode',
      'MemoryHigh',
      'After',
      'Slice',
    ]);
    assert.deepEqual(others, {
      TimeoutStopUSec: '7s',
      CollectMode: 'inactive-or-failed',
      MemoryHigh: '100003840',
      Slice: 'charts-deep.slice',
    });
    assert.match(After ?? '', /local-fs\.target/);
    assert.deepEqual(filesOf(`/sys/fs/cgroup/charts.slice/charts-deep.slice/${scope}`, ['memory.high']), {
      'memory.high': '100003840',
    });
    assert.equal(runchart('delete', '--force', id).status, 0);
    gone(scope);
    spawnSync('systemctl', ['stop', 'charts.slice', 'charts-deep.slice']);
  });

  it('devices are what they were after systemd has read its units anew', () => {
    const config = waiting();
    const { linux = {} } = config;
    const devices = [{ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' }];
    const resources = { ...linux.resources, devices: [...(linux.resources?.devices ?? []), ...devices] };
    const { id } = host.start({ ...config, linux: { ...linux, resources } });
    const tries = ['true >/dev/null', 'head -c 1 /dev/zero', 'mknod /dev/k c 1 11 && head -c 1 /dev/k'];
    const results = () => tries.map((script) => runchart('exec', id, 'sh', '-c', script).status === 0);
    assert.deepEqual(results(), [true, true, false]);
    execFileSync('systemctl', ['daemon-reload']);
    assert.deepEqual(results(), [true, true, false]);
    const { DeviceAllow, DevicePolicy } = propertiesOf(`runc-${id}.scope`, ['DevicePolicy']);
    assert.deepEqual([DeviceAllow, DevicePolicy], [undefined, 'strict']);
    assert.match(propertiesOf(`runc-${id}.scope`, ['DeviceAllow']).DeviceAllow ?? '', /\S/);
  });

  it('a scope that others stop is a container that has ended', async () => {
    const { id } = host.start();
    const scope = `runc-${id}.scope`;
    execFileSync('systemctl', ['stop', scope]);
    await until('it has ended', () => stateOf(id).status === 'stopped');
    assert.equal(runchart('delete', id).status, 0);
    gone(scope);
  });

  it('a container that ends by itself leaves no unit behind, and its name can be used again', () => {
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, shellConfig('exit 5'));
    for (let again = 0; again < 2; again++) {
      const { status, stderr } = runchart('run', '--bundle', bundle, id);
      assert.deepEqual([status, stderr], [5, '']);
      gone(`runc-${id}.scope`);
    }
  });

  it('one that runs out of memory is told, and can be deleted', async () => {
    const id = host.idFor(runchart);
    // The cgroup has to be there when it is looked at: the last process takes it along.
    const config = shellConfig('read line </wait; tail /dev/zero; while :; do sleep 1; done');
    const { linux = {} } = config;
    const limit = 24 << 20;
    const resources = { ...linux.resources, memory: { limit, swap: limit } };
    const bundle = host.bundle(id, { ...config, linux: { ...linux, resources } });
    execFileSync('mkfifo', [join(bundle, 'rootfs/wait')]);
    assert.equal(runchart('run', '--detach', '--bundle', bundle, id).status, 0);
    const talking = host.spawn(runchart, 'events', '--interval', '500ms', id);
    await until('it watches', () => talking.output() !== '');
    spawnSync('sh', ['-c', 'echo go >"$1"', 'sh', join(bundle, 'rootfs/wait')]);
    await until('it is told', () => talking.output().includes(`{"type":"oom","id":"${id}"}\n`));
    assert.equal(runchart('kill', id, 'KILL').status, 0);
    assert.equal(await talking.ended, 0, talking.errors());
    await until('it has ended', () => stateOf(id).status === 'stopped');
    assert.equal(runchart('delete', id).status, 0);
    gone(`runc-${id}.scope`);
  });

  it('what systemd refuses is told in one line, and nothing is left', () => {
    const refused: readonly [Partial<Config>, string | undefined, RegExp][] = [
      [{ annotations: { 'org.systemd.property.NoSuchThing': '7' } }, undefined, /NoSuchThing/],
      [{ annotations: { 'org.systemd.property.X': '7' } }, undefined, /org\.systemd\.property\.X name incorrect/],
      [
        {},
        '/plain/path',
        /expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "\/plain\/path"/,
      ],
      [{}, 'no--such.slice:a:b', /invalid slice name: no--such\.slice/],
    ];
    for (const [more, cgroupsPath, message] of refused) {
      const id = host.idFor(runchart);
      const bundle = host.bundle(id, configOf(waiting(), cgroupsPath, more));
      const ended = runchart('run', '--detach', '--bundle', bundle, id);
      assert.equal(ended.status, 1);
      assert.match(messageOf(ended), message);
      assert.equal(runchart('state', id).status, 1);
      gone(`runc-${id}.scope`);
    }
  });

  it('a service of Type=notify is up when its container says so', async () => {
    const id = host.idFor(runchart);
    // Its first process has to end by TERM, or systemd waits for long.
    const say =
      'trap exit TERM; ln -s /run/notify/notify.sock /dev/log; sleep 1; logger "$(printf \'x\\nREADY=1\')"; ' +
      'sleep 1000 & wait';
    const bundle = host.bundle(id, shellConfig(say));
    const unit = `charts-${process.pid}.service`;
    const flags = ['--unit', unit, '--service-type=notify', '--property=NotifyAccess=all', '--collect'];
    try {
      execFileSync('systemd-run', [
        ...['--quiet', ...flags, '--', RUNCHART, '--root', runchart.root],
        ...['--systemd-cgroup', 'run', '--bundle', bundle, id],
      ]);
      const { MainPID, ActiveState } = propertiesOf(unit, ['MainPID', 'ActiveState']);
      assert.equal(ActiveState, 'active');
      assert.match(readFileSync(`/proc/${MainPID}/cmdline`, 'utf8'), /runchart/);
      assert.equal(stateOf(id).status, 'running');
      execFileSync('systemctl', ['stop', unit]);
    } finally {
      spawnSync('systemctl', ['kill', '--signal=KILL', unit], { stdio: 'ignore' });
    }
    await until('it is gone', () => runchart('state', id).status !== 0);
  });
});
