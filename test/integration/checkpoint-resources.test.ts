/** What a checkpointed container has of the host, and gets again: mounts, namespaces, connections, locks, a terminal. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Config, Namespace } from '../../spec/types.ts';
import { noContainers } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { counting, countOf, noCriu, noLazyPages, provideCriu } from './criu.ts';
import { type Life, lives, textOf, until } from './lives.ts';

const skip = noContainers || noCriu();

const childrenOf = (pid: number): readonly number[] =>
  textOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);

describe('checkpoint and restore', { skip }, () => {
  const host = lives('criu');
  const { runchart } = host;
  provideCriu(host.path);
  after(() => host.close());

  const well = (...argv: string[]) => assert.deepEqual(runchart(...argv), { status: 0, stdout: '', stderr: '' });
  const images = (id: string): string => join(host.path, `${id}.images`);
  const pidOf = (id: string): number => JSON.parse(runchart('state', id).stdout).pid;
  const inside = (id: string, script: string): string => {
    const { status, stdout, stderr } = runchart('exec', id, 'sh', '-c', script);
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };

  async function started(config: Config): Promise<Life> {
    const life = host.start(config);
    await until('it counts', () => countOf(life.bundle) > 2);
    return life;
  }

  /** Down and up again. @param between what happens meanwhile */
  async function twice({ id, bundle }: Life, flags: readonly string[] = [], between = () => {}): Promise<void> {
    well('checkpoint', ...flags, '--image-path', images(id), id);
    between();
    const count = countOf(bundle);
    well('restore', '-d', ...flags, '-b', bundle, '--image-path', images(id), id);
    await until('it counts again', () => countOf(bundle) > count);
  }

  it('bind mounts, also behind a symlink and in one another, read-only ones, and files', async () => {
    const config = counting();
    const from = (name: string) => join(host.path, name);
    for (const name of ['outer', 'inner', 'linked']) mkdirSync(from(name));
    writeFileSync(from('file'), 'a file');
    writeFileSync(join(from('linked'), 'there'), 'linked');
    const bind = (source: string, destination: string, ...options: string[]) => ({
      source,
      destination,
      options: ['bind', ...options],
    });
    config.mounts = [
      ...(config.mounts ?? []),
      bind(from('outer'), '/outer'),
      bind(from('inner'), '/outer/deep/inner', 'ro'),
      bind(from('linked'), '/link'),
      bind(from('file'), '/etc/file', 'ro'),
      // Relative to the bundle.
      bind('own', '/own'),
    ];
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, config);
    mkdirSync(join(bundle, 'own'));
    symlinkSync('/real/place', join(bundle, 'rootfs/link'));
    well('run', '-d', '-b', bundle, id);
    const life = { id, bundle, pid: pidOf(id) };
    await until('it counts', () => countOf(bundle) > 2);
    const look =
      'cat /link/there /real/place/there /etc/file; echo 1 > /outer/x; echo 1 > /own/x; touch /outer/deep/inner/x 2>&1';
    const before = runchart('exec', id, 'sh', '-c', look).stdout;
    assert.match(before, /linkedlinkeda filetouch: \/outer\/deep\/inner\/x: Read-only file system/);
    await twice(life, [], () => {
      // As on another host: the mount points inside are made anew.
      rmSync(join(from('outer'), 'deep'), { recursive: true });
      rmSync(join(from('outer'), 'x'));
    });
    assert.equal(runchart('exec', id, 'sh', '-c', look).stdout, before);
    assert.ok(existsSync(join(from('outer'), 'x')));
  });

  it('masked and read-only paths, and tmpfs with its content', async () => {
    const config = counting('echo kept > /dev/shm/kept');
    const life = await started(config);
    const masked = (config.linux?.maskedPaths ?? []).join(' ');
    const look = `cat /dev/shm/kept; for f in ${masked}; do [ -e $f ] && stat -c '%n %F %t:%T' $f; [ -d $f ] && ls $f; done; echo 1 2>&1 > /proc/sys/kernel/ostype; grep -c . /proc/mounts`;
    const before = runchart('exec', life.id, 'sh', '-c', look);
    assert.match(before.stdout, /^kept\n/);
    assert.match(before.stdout, /^\/proc\/\w+ character special file 1:3$/m);
    await twice(life);
    const now = runchart('exec', life.id, 'sh', '-c', look);
    assert.deepEqual(now, before);
  });

  it('a read-only root', async () => {
    const config = { ...counting(), root: { path: 'rootfs', readonly: true } };
    config.mounts = [...(config.mounts ?? []), { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }];
    const [, , script = ''] = config.process.args ?? [];
    config.process.args = ['sh', '-c', script.replaceAll('/count', '/tmp/count')];
    const { id, bundle } = host.start(config);
    const count = () => Number(inside(id, 'cat /tmp/count'));
    await until('it counts', () => count() > 2);
    well('checkpoint', '--image-path', images(id), id);
    well('restore', '-d', '-b', bundle, '--image-path', images(id), id);
    const come = count();
    assert.ok(come > 2);
    await until('it counts again', () => count() > come);
    assert.match(runchart('exec', id, 'sh', '-c', '> /x 2>&1; echo x 2>&1 > /x').stderr, /Read-only file system/);
  });

  const withNamespaces = (config: Config, change: (namespaces: readonly Namespace[]) => Namespace[]): Config => ({
    ...config,
    linux: { ...config.linux, namespaces: change(config.linux?.namespaces ?? []) },
  });

  it('a network namespace of somebody else’s', async () => {
    const holder = spawn('unshare', ['-n', 'sleep', '1000'], { stdio: 'ignore' });
    try {
      const own = readlinkSync('/proc/self/ns/net');
      const path = `/proc/${holder.pid}/ns/net`;
      await until('it is there', () => readlinkSync(path) !== own);
      const config = withNamespaces(counting(), (all) => [
        ...all.filter(({ type }) => type !== 'network'),
        { type: 'network', path },
      ]);
      const life = await started(config);
      await twice(life);
      assert.equal(readlinkSync(`/proc/${pidOf(life.id)}/ns/net`), readlinkSync(path));
      well('checkpoint', '--image-path', images(life.id), life.id);
    } finally {
      holder.kill('SIGKILL');
    }
    await until('it is gone', () => !existsSync(`/proc/${holder.pid}/ns`));
  });

  it('a cgroup namespace', async () => {
    const life = await started(
      withNamespaces(counting(), (all) => [...all.filter(({ type }) => type !== 'cgroup'), { type: 'cgroup' }]),
    );
    const own = readlinkSync('/proc/self/ns/cgroup');
    assert.notEqual(readlinkSync(`/proc/${life.pid}/ns/cgroup`), own);
    await twice(life);
    assert.notEqual(readlinkSync(`/proc/${pidOf(life.id)}/ns/cgroup`), own);
  });

  it('a user namespace', async () => {
    const config = counting();
    const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    config.linux = {
      ...config.linux,
      namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' }],
      uidMappings: mapping,
      gidMappings: mapping,
    };
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, config);
    assert.equal(spawnSync('chown', ['-R', '100000:100000', join(bundle, 'rootfs')]).status, 0);
    for (const folder of [host.path, dirname(host.path)]) chmodSync(folder, 0o755);
    well('run', '-d', '-b', bundle, id);
    await until('it counts', () => countOf(bundle) > 2);
    await twice({ id, bundle, pid: pidOf(id) });
    const { mode, gid } = statSync(images(id));
    assert.deepEqual([mode & 0o7777, gid], [0o710, 100_000]);
    assert.equal(
      readFileSync(`/proc/${pidOf(id)}/uid_map`, 'utf8')
        .trim()
        .split(/\s+/)
        .join(' '),
      '0 100000 65536',
    );
    assert.equal(inside(id, 'id -u'), '0');
  });

  const systemd = existsSync('/run/systemd/system');
  it('a scope of systemd’s', { skip: !systemd && 'systemd does not run here' }, async () => {
    const life = host.start(counting(), '--systemd-cgroup');
    const { id, bundle } = life;
    await until('it counts', () => countOf(bundle) > 2);
    const cgroup = () => readFileSync(`/proc/${pidOf(id)}/cgroup`, 'utf8');
    const before = cgroup();
    assert.match(before, /\.scope$/m);
    well('checkpoint', '--image-path', images(id), id);
    const count = countOf(bundle);
    well('--systemd-cgroup', 'restore', '-d', '-b', bundle, '--image-path', images(id), id);
    await until('it counts again', () => countOf(bundle) > count);
    assert.equal(cgroup(), before);
  });

  const FLOCK = '/usr/bin/flock';
  it('file locks, with --file-locks', { skip: !existsSync(FLOCK) && 'util-linux has no flock here' }, async () => {
    // Busybox has none: that of the host, with its libraries.
    const libraries = ['/usr', '/lib', '/lib64'].filter(existsSync);
    const config = counting(`exec 9>/lock; ${FLOCK} 9`);
    config.mounts = [
      ...(config.mounts ?? []),
      ...libraries.map((path) => ({ source: path, destination: path, options: ['rbind', 'ro'] })),
    ];
    const life = await started(config);
    const ended = runchart('checkpoint', '--image-path', images(life.id), life.id);
    assert.match(messageOf(ended), /^criu failed: .*lock/);
    assert.equal(JSON.parse(runchart('state', life.id).stdout).status, 'running');
    const free = () => runchart('exec', life.id, FLOCK, '-n', '/lock', 'true').status === 0;
    assert.ok(!free());
    await twice(life, ['--file-locks']);
    assert.ok(!free());
  });

  it('established TCP connections, with --tcp-established', async (t) => {
    const config = withNamespaces(counting('(nc 127.0.0.1 PORT </pipe >/answers) & sleep 0.3'), (all) =>
      all.filter(({ type }) => type !== 'network'),
    );
    const connections: Socket[] = [];
    const server = createServer((socket) => {
      connections.push(socket);
      socket.on('error', () => undefined);
    });
    const { promise: listening, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await listening;
    try {
      const address = server.address();
      const port = typeof address === 'object' ? String(address?.port) : '';
      config.process = {
        ...config.process,
        cwd: '/',
        args: (config.process?.args ?? []).map((word) =>
          word.replace('(nc', 'mkfifo /pipe; sleep 100000 > /pipe & (nc').replace('PORT', port),
        ),
      };
      const life = await started(config);
      await until('it has connected', () => connections.length === 1);
      assert.match(messageOf(runchart('checkpoint', '--image-path', images(life.id), life.id)), /tcp-established/);
      const tried = runchart(
        'checkpoint',
        '--leave-running',
        '--tcp-established',
        '--image-path',
        images(life.id),
        life.id,
      );
      if (/Can't get 1:16 opt/.test(tried.stderr))
        return t.skip('this CRIU does not know the kernel: it has no SO_PASSCRED for TCP any more');
      await twice(life, ['--tcp-established']);
      connections[0]?.write('still there\n');
      const answers = join(life.bundle, 'rootfs/answers');
      await until('it gets through', () => textOf(answers) === 'still there\n');
    } finally {
      for (const connection of connections) connection.destroy();
      server.close();
    }
  });

  for (const mode of ['soft', 'full', 'ignore'])
    it(`--manage-cgroups-mode ${mode}: limits and membership`, async () => {
      const config = counting();
      config.linux = { ...config.linux, resources: { ...config.linux?.resources, pids: { limit: 77 } } };
      const life = await started(config);
      await twice(life, ['--manage-cgroups-mode', mode]);
      const limit = inside(life.id, 'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null || true');
      assert.equal(limit, '77');
      assert.match(readFileSync(`/proc/${pidOf(life.id)}/cgroup`, 'utf8'), new RegExp(`/${life.id}$`, 'm'));
    });

  it('--manage-cgroups-mode strict: CRIU refuses a cgroup that is there, as it is with runc', async () => {
    const { id, bundle } = await started(counting());
    well('checkpoint', '--manage-cgroups-mode', 'strict', '--image-path', images(id), id);
    const ended = runchart(
      'restore',
      '-d',
      '--manage-cgroups-mode',
      'strict',
      '-b',
      bundle,
      '--image-path',
      images(id),
      id,
    );
    assert.match(messageOf(ended), /Abort restore of existing cgroups/);
    assert.equal(messageOf(runchart('state', id)), 'container does not exist');
  });

  it('another cgroup, with --manage-cgroups-mode ignore', async () => {
    const life = await started(counting());
    const { id, bundle } = life;
    well('checkpoint', '--manage-cgroups-mode', 'ignore', '--image-path', images(id), id);
    const other = host.idFor(runchart);
    well('restore', '-d', '--manage-cgroups-mode', 'ignore', '-b', bundle, '--image-path', images(id), other);
    assert.match(readFileSync(`/proc/${pidOf(other)}/cgroup`, 'utf8'), new RegExp(`/${other}$`, 'm'));
    assert.doesNotMatch(readFileSync(`/proc/${pidOf(other)}/cgroup`, 'utf8'), new RegExp(`/${id}$`, 'm'));
  });

  it('pages that come when they are asked for, with --lazy-pages', { skip: !skip && noLazyPages() }, async (t) => {
    const { id, bundle } = await started(counting());
    const port = 20_000 + (process.pid % 20_000);
    const folder = images(id);
    const flags = ['--lazy-pages', '--manage-cgroups-mode', 'ignore', '--image-path', folder];
    const ready = join(host.path, `${id}.ready`);
    const line = [
      '--root',
      runchart.root,
      'checkpoint',
      ...flags,
      '--page-server',
      `127.0.0.1:${port}`,
      '--status-fd',
      '9',
      id,
    ];
    const dumping = spawnSync(
      'sh',
      [
        '-c',
        '"$0" "$@" 9>"$READY" </dev/null >/dev/null 2>"$READY.err" & echo $!',
        join(import.meta.dirname, '../../dist/runchart'),
        ...line,
      ],
      { env: { ...process.env, READY: ready }, encoding: 'utf8' },
    );
    assert.equal(dumping.status, 0);
    await until('the page server is ready', () => textOf(ready) === '\0');
    assert.ok(statSync(join(folder, 'inventory.img')).size > 0);
    const pages = spawn(
      'criu',
      ['lazy-pages', '--page-server', '--address', '127.0.0.1', '--port', String(port), '-D', folder],
      { stdio: 'ignore' },
    );
    const other = host.idFor(runchart);
    try {
      const count = countOf(bundle);
      await until('the pages are asked for', () => existsSync(join(folder, 'lazy-pages.socket')));
      const restored = host.spawn(runchart, 'restore', '-d', ...flags, '-b', bundle, other);
      const failed = () => textOf(`${ready}.err`);
      await until('it is restored', () => restored.child.exitCode !== null || failed() !== '');
      if (failed().includes('splice')) {
        // Its restore would wait for them.
        for (const pid of [...childrenOf(restored.child.pid ?? 0), restored.child.pid ?? 0])
          process.kill(pid, 'SIGKILL');
        await restored.ended;
        return t.skip('CRIU cannot send pages by this kernel');
      }
      assert.deepEqual([failed(), restored.errors(), restored.child.exitCode], ['', '', 0]);
      await until('it counts again', () => countOf(bundle) > count);
      await until('the first one is gone', () => runchart('state', id).status !== 0);
    } finally {
      pages.kill('SIGKILL');
    }
  });
});
