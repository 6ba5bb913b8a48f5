/** The container's namespaces, and its init before the program takes its place. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { NamespaceType } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers, namespaceOf, proc, type ShellConfig, statusField } from './containers.ts';
import { until } from './lives.ts';

const skip = noContainers;
const host = containers('namespaces');
after(() => host.close());

/** The names of namespaces in /proc/PID/ns. */
const FILES: Readonly<Record<string, NamespaceType>> = {
  pid: 'pid',
  net: 'network',
  ipc: 'ipc',
  uts: 'uts',
  mnt: 'mount',
  cgroup: 'cgroup',
};

function withNamespaces(script: string, namespaces: readonly { type: NamespaceType; path?: string }[]): ShellConfig {
  const { hostname = '', ...config } = shellConfig(script);
  // A host name may only be set if the container has an uts namespace of its own.
  const named = namespaces.some(({ type, path }) => type === 'uts' && path === undefined) ? { hostname } : {};
  return { ...config, ...named, linux: { ...config.linux, namespaces: [...namespaces] } };
}

const everyType = Object.values(FILES).map((type) => ({ type }));

test('each namespace is a new one', { skip }, async () => {
  await using created = await host.create('new', withNamespaces('true', everyType));
  for (const file of Object.keys(FILES))
    assert.notEqual(namespaceOf(created.pid, file), namespaceOf('self', file), `${file} is not the host's`);
  for (const file of ['user', 'time'])
    assert.equal(
      namespaceOf(created.pid, file),
      namespaceOf('self', file),
      `${file} is the host's: none was asked for`,
    );
});

test('an uts namespace has the host name and the domain name of the config', { skip }, async () => {
  const config = {
    ...withNamespaces('cat /proc/sys/kernel/*name', everyType),
    hostname: 'one',
    domainname: 'two.example',
  };
  assert.equal((await host.run('names', config)).output, 'two.example\none\n');
});

test('sysctls are those of the container’s namespaces, and never the host’s', { skip }, async () => {
  const sysctl = { 'net.ipv4.ip_forward': '1', 'net/ipv4/conf/lo/rp_filter': '2', 'kernel.shmmax': '4096000' };
  const files = ['net/ipv4/ip_forward', 'net/ipv4/conf/lo/rp_filter', 'kernel/shmmax'].map(
    (name) => `/proc/sys/${name}`,
  );
  const before = files.map((file) => readFileSync(file, 'utf8'));
  const own = withNamespaces(`cat ${files.join(' ')}`, everyType);
  const { output } = await host.run('sysctl', { ...own, linux: { ...own.linux, sysctl } });
  assert.equal(output, '1\n2\n4096000\n');
  const joining = withNamespaces(
    '',
    everyType.map((one) => (one.type === 'network' ? { ...one, path: '/proc/self/ns/net' } : one)),
  );
  await assert.rejects(host.run('joined', { ...joining, linux: { ...joining.linux, sysctl } }), {
    message: 'unable to start container process: sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
  });
  const unknown = { ...own, linux: { ...own.linux, sysctl: { 'net.not.there': '1' } } };
  await assert.rejects(host.run('unknown', unknown), {
    message: /^unable to start container process: write sysctl key net\.not\.there: ENOENT/,
  });
  assert.deepEqual(
    files.map((file) => readFileSync(file, 'utf8')),
    before,
  );
});

test('the init is process 1, and a child of the process that created it', { skip }, async () => {
  await using created = await host.create('first', withNamespaces('true', everyType));
  assert.equal(statusField(created.pid, 'NSpid'), `${created.pid}\t1`);
  assert.equal(statusField(created.pid, 'PPid'), String(process.pid));
  assert.equal(statusField(created.pid, 'NSsid'), `${created.pid}\t1`, 'it leads a session of its own');
});

test('without a namespace of its own a container is in the host’s', { skip }, async () => {
  const config = withNamespaces('readlink /proc/self/ns/net', [{ type: 'mount' }, { type: 'pid' }, { type: 'uts' }]);
  await using created = await host.create('hosts', config);
  for (const file of ['net', 'ipc', 'cgroup']) assert.equal(namespaceOf(created.pid, file), namespaceOf('self', file));
});

test('a namespace with a path is joined', { skip }, async () => {
  await using first = await host.create('joined', withNamespaces('sleep 100', everyType));
  await first.container.start();
  const joined = Object.entries(FILES)
    .filter(([file]) => file !== 'mnt')
    .map(([file, type]) => ({ type, path: `/proc/${first.pid}/ns/${file}` }));
  const script = 'for type in pid net ipc uts cgroup; do readlink /proc/self/ns/$type; done; ls /proc | grep -cx 1';
  const config = withNamespaces(script, [{ type: 'mount' }, ...joined]);
  await using second = await host.create('joining', config);
  for (const file of Object.keys(FILES).filter((name) => name !== 'mnt'))
    assert.equal(namespaceOf(second.pid, file), namespaceOf(first.pid, file), `${file} is the first container's`);
  assert.notEqual(namespaceOf(second.pid, 'mnt'), namespaceOf(first.pid, 'mnt'));
  assert.equal(await second.finish(), 0, second.output());
  assert.equal(
    second.output(),
    `${['pid', 'net', 'ipc', 'uts', 'cgroup'].map((type) => namespaceOf(first.pid, type)).join('\n')}\n1\n`,
  );
});

test('a path that is no namespace of that type is refused by name', { skip }, async () => {
  const attempts: readonly [NamespaceType, string, RegExp][] = [
    [
      'network',
      '/proc/self/ns/uts',
      /^unable to start container process: join the network namespace \/proc\/self\/ns\/uts: EINVAL/,
    ],
    [
      'network',
      '/no/such/path',
      /^unable to start container process: join the network namespace \/no\/such\/path: ENOENT/,
    ],
    ['network', '/dev/zero', /^unable to start container process: join the network namespace \/dev\/zero: EINVAL/],
  ];
  for (const [type, path, expected] of attempts)
    await assert.rejects(host.create('wrong', withNamespaces('true', [{ type: 'mount' }, { type, path }])), {
      message: expected,
    });
});

test('a namespace path that is a fifo does not make create wait', { skip }, async () => {
  const fifo = `${host.path}/fifo`;
  execFileSync('mkfifo', [fifo]);
  const config = withNamespaces('true', [{ type: 'mount' }, { type: 'network', path: fifo }]);
  await assert.rejects(host.create('fifo', config), {
    message: /^unable to start container process: join the network namespace .*fifo: EINVAL/,
  });
});

test('the loopback interface is up in a new network namespace', { skip }, async () => {
  await using created = await host.create(
    'loopback',
    shellConfig('ping -c 1 -W 5 127.0.0.1 >/dev/null && echo up; ip -o addr show lo'),
  );
  assert.match(proc(created.pid, 'net/dev'), /^ *lo:/m);
  assert.deepEqual(
    [...proc(created.pid, 'net/dev').matchAll(/^ *(\w+):/gm)].map(([, name]) => name).filter((name) => name === 'eth0'),
    [],
  );
  assert.match(proc(created.pid, 'net/if_inet6'), / lo$/m, 'an address says that it is up');
  assert.equal(await created.finish(), 0, created.output());
  assert.match(created.output(), /LOOPBACK|127\.0\.0\.1\/8/);
});

test('the host name is the container’s own, the host keeps its', { skip }, async () => {
  const before = readFileSync('/proc/sys/kernel/hostname', 'utf8');
  const { output } = await host.run('hostname', {
    ...shellConfig('hostname; cat /proc/sys/kernel/hostname'),
    hostname: 'a.b-c',
  });
  assert.equal(output, 'a.b-c\na.b-c\n');
  assert.equal(readFileSync('/proc/sys/kernel/hostname', 'utf8'), before);
});

test('the end of process 1 ends all others', { skip }, async () => {
  await using created = await host.create('family', shellConfig('sleep 1000 & wait'));
  await created.container.start();
  const children = () => proc(created.pid, `task/${created.pid}/children`).trim().split(' ').filter(Boolean);
  await until('it has a child', () => children().length > 0);
  const [child] = children();
  await created.container.kill('SIGKILL');
  await created.container.wait();
  assert.ok(child !== undefined);
  assert.equal(existsSync(`/proc/${child}`), false);
});

test('a joined namespace outlives the process that made it', { skip }, async () => {
  const holder = spawn('unshare', ['-n', 'sleep', '100'], { stdio: 'ignore' });
  try {
    const path = `/proc/${holder.pid}/ns/net`;
    await until('it has its own', () => namespaceOf(holder.pid ?? 0, 'net') !== namespaceOf('self', 'net'));
    const config = withNamespaces('true', [{ type: 'mount' }, { type: 'pid' }, { type: 'network', path }]);
    await using created = await host.create('held', config);
    assert.equal(namespaceOf(created.pid, 'net'), namespaceOf(holder.pid ?? 0, 'net'));
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    assert.equal(await created.finish(), 0);
  } finally {
    holder.kill('SIGKILL');
  }
});
