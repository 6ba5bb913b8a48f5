/** More of what broke runc and crun: see docs/security.md. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Config, Hook } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { containers, proc, type ShellConfig, seenBy, statusField } from './containers.ts';
import { textOf } from './gone-meanwhile.ts';
import { lives, until, waiting } from './lives.ts';

const skip = noContainers;
const host = containers('procfs');
const running = lives('newer');
after(async () => {
  await running.close();
  host.close();
});

const NONE = '0000000000000000';

test('CVE-2026-41579, CVE-2026-47766: a /dev of the image that is a link leads to nothing on the host', {
  skip,
}, async () => {
  const outside = join(host.path, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'null'), 'the host’s');
  const up = '../'.repeat(30);
  const targets = [
    outside,
    `${up}${outside.slice(1)}`,
    '/proc/self/root',
    '/proc/1/cwd',
    `/../../${outside}`,
    'dev',
    '.',
  ];
  const config = shellConfig('true');
  const mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'));
  // Nothing is mounted on /dev: the image's own is what devices and links are made in.
  const exposed: Config = {
    ...config,
    mounts,
    root: { path: 'rootfs', readonly: false },
    linux: { ...config.linux, devices: [{ path: '/dev/own', type: 'c', major: 1, minor: 7, fileMode: 0o666 }] },
  };
  for (const target of targets) {
    const prepare = (rootfs: string) => {
      rmSync(join(rootfs, 'dev'), { recursive: true });
      symlinkSync(target, join(rootfs, 'dev'));
    };
    try {
      await using created = await host.create('dev', exposed, { prepare });
      // Where it works, it is because the link leads somewhere inside of the root.
      assert.ok(existsSync(seenBy(created.pid, '/')));
    } catch (error) {
      assert.match(String(error), /^OperationError: [^\n]+$/, target);
    }
    assert.deepEqual(readdirSync(outside), ['null'], target);
    assert.equal(readFileSync(join(outside, 'null'), 'utf8'), 'the host’s', target);
  }
});

/** What an attacker would have the runtime write to instead of the kernel's own files. */
const DECOYS = [
  'sys/net/ipv4/ip_forward',
  'sys/kernel/domainname',
  'self/oom_score_adj',
  'self/attr/exec',
  '1/oom_score_adj',
];

test('CVE-2025-52881: what is meant for the kernel is not written to what lies on the container’s /proc', {
  skip,
}, async () => {
  const config = shellConfig('sleep 1000');
  const makeDecoys = DECOYS.map((file) => `mkdir -p proc/${file.replace(/\/[^/]*$/, '')}; : > proc/${file}`).join('; ');
  // As a container that shares the mount would: before the init writes anything.
  const script =
    `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); nsenter -t $pid -m sh -c "cd $PWD/rootfs; ` +
    `mount -t tmpfs none proc; ${makeDecoys}"`;
  const hook: Hook = { path: '/bin/sh', args: ['sh', '-c', script] };
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
  for (const userNamespace of [false, true]) {
    const mapping = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    const mappings = { namespaces, uidMappings: mapping, gidMappings: mapping };
    const hostile: ShellConfig = {
      ...config,
      process: { ...config.process, oomScoreAdj: 456 },
      hooks: { createRuntime: [hook] },
      linux: {
        ...config.linux,
        ...(userNamespace ? mappings : {}),
        // The root of a user namespace may not write the other one.
        sysctl: { 'net.ipv4.ip_forward': '1', ...(userNamespace ? {} : { 'kernel.domainname': 'real.example' }) },
        maskedPaths: [],
        readonlyPaths: [],
      },
    };
    await using created = await host.create('procfs', hostile);
    await created.container.start();
    for (const file of DECOYS) assert.equal(readFileSync(seenBy(created.pid, `/proc/${file}`), 'utf8'), '', file);
    assert.equal(proc(created.pid, 'oom_score_adj'), '456\n');
    const inside = (...command: string[]) =>
      execFileSync('nsenter', ['-t', `${created.pid}`, '-n', '-u', ...command], { encoding: 'utf8' });
    assert.equal(inside('cat', '/proc/sys/net/ipv4/ip_forward'), '1\n');
    if (!userNamespace) assert.equal(inside('cat', '/proc/sys/kernel/domainname'), 'real.example\n');
    if (userNamespace) assert.match(proc(created.pid, 'gid_map'), /^\s*0\s+100000\s+1000\n$/);
  }
});

test('CVE-2025-52881: nor does exec write to what a container has put there', { skip }, async () => {
  const decoys = DECOYS.map((file) => `mkdir -p /proc/${file.replace(/\/[^/]*$/, '')}; : > /proc/${file}`).join('; ');
  const config = waiting();
  const all = ['CAP_SYS_ADMIN', 'CAP_KILL'];
  const { id, pid } = running.start({
    ...config,
    process: {
      ...config.process,
      capabilities: { bounding: all, effective: all, permitted: all },
      args: ['sh', '-c', `mount -t tmpfs none /proc; ${decoys}; : > /proc/ready; while :; do sleep 1; done`],
    },
    linux: { ...config.linux, maskedPaths: [], readonlyPaths: [] },
  });
  await until('the decoys are there', () => existsSync(seenBy(pid, '/proc/ready')));
  const file = join(running.path, 'process.json');
  const pidFile = join(running.path, 'exec.pid');
  writeFileSync(file, JSON.stringify({ args: ['sleep', '1000'], cwd: '/', env: ['PATH=/bin'], oomScoreAdj: 567 }));
  const { status, stderr } = running.runchart('exec', '--detach', '--pid-file', pidFile, '--process', file, id);
  assert.equal(status, 0, stderr);
  const executed = Number(textOf(pidFile));
  assert.equal(proc(executed, 'oom_score_adj'), '567\n');
  for (const decoy of DECOYS) assert.equal(readFileSync(seenBy(pid, `/proc/${decoy}`), 'utf8'), '', decoy);
});

test('CVE-2022-29162, CVE-2022-24769, CVE-2022-27650: exec makes no capability inheritable', { skip }, () => {
  const { id } = running.start();
  const told = (...flags: string[]): Record<string, string> => {
    const { status, stdout, stderr } = running.runchart('exec', ...flags, id, 'grep', '^Cap', '/proc/self/status');
    assert.equal(status, 0, stderr);
    return Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(':\t')),
    );
  };
  for (const flags of [[], ['--cap', 'CAP_NET_RAW'], ['--user', '1000'], ['--user', '1000', '--cap', 'CAP_NET_RAW']]) {
    const { CapInh, CapAmb } = told(...flags);
    assert.deepEqual([CapInh, CapAmb], [NONE, NONE], flags.join(' '));
  }
  assert.equal(told('--user', '1000').CapEff, NONE);
});

test('CVE-2026-30892: exec runs as the user that was named, or not at all', { skip }, () => {
  const { id } = running.start();
  const who = (user: string) => running.runchart('exec', '--user', user, id, 'sh', '-c', 'id -u; id -g');
  for (const [user, expected] of [
    ['1000', '1000\n0\n'],
    ['1000:2000', '1000\n2000\n'],
    ['+7', '7\n0\n'],
    ['007:08', '7\n8\n'],
    ['4294967294:4294967294', '4294967294\n4294967294\n'],
  ] as const)
    assert.deepEqual([user, who(user).stdout], [user, expected]);
  const wrong = [
    'root',
    '1000x',
    ' 1000',
    '1000 ',
    '0x3e8',
    '1e3',
    '-1',
    '4294967295',
    '4294967296',
    '18446744073709551616',
  ];
  for (const user of [...wrong, ...wrong.map((gid) => `1000:${gid}`), '1000:', '1000:2000:3000', '1,5']) {
    const ended = who(user);
    assert.deepEqual([user, ended.status, ended.stdout], [user, 255, '']);
    assert.match(messageOf(ended), /^exec failed: bad (uid|gid): /, user);
  }
});

test('CVE-2021-43784: what is longer than 64 KiB is refused, and becomes nothing else', { skip }, async () => {
  const config = shellConfig('true');
  const long = (extra: number) => `/${'a'.repeat(65_535 + extra)}`;
  for (const extra of [0, 1, 8, 70_000]) {
    const path = long(extra);
    const namespaces = [{ type: 'mount' as const }, { type: 'pid' as const }, { type: 'ipc' as const, path }];
    const attempts: Config[] = [
      { ...config, linux: { ...config.linux, namespaces }, hostname: '' },
      { ...config, mounts: [...(config.mounts ?? []), { destination: '/x', source: path, options: ['bind'] }] },
      { ...config, mounts: [...(config.mounts ?? []), { destination: path, type: 'tmpfs' }] },
    ];
    for (const attempt of attempts)
      await assert.rejects(host.create('long', attempt), /ENAMETOOLONG|File name too long/i, String(extra));
  }
  // The kernel takes 340 lines, of less than a page together.
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ containerID: i, hostID: 100_000 + i, size: 1 }));
  const mapped = (count: number): Config => ({
    ...config,
    linux: { ...config.linux, namespaces, uidMappings: lines(count), gidMappings: lines(count) },
  });
  await using created = await host.create('lines', mapped(200));
  assert.equal(proc(created.pid, 'gid_map').trim().split('\n').length, 200);
  assert.equal(statusField(created.pid, 'Gid').split('\t')[0], '100000');
  await assert.rejects(
    host.create('lines', mapped(4000)),
    /OperationError: unable to start container process: write 4000 lines to \/proc\/\d+\/uid_map: EINVAL/,
  );
});
