/** Locks, connections and memory that others have a part in. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Config, Namespace } from '../../spec/types.ts';
import { noContainers } from './bundle.ts';
import { messageOf, RUNCHART } from './command-line.ts';
import { checkpoints, counting, countOf, noCriu, noLazyPages } from './criu.ts';
import { textOf } from './gone-meanwhile.ts';
import { until } from './lives.ts';

const skip = noContainers || noCriu();

const childrenOf = (pid: number): readonly number[] =>
  textOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);

describe('checkpoint and restore with ties to others', { skip }, () => {
  const { host, images, started, twice } = checkpoints('criu-ties');
  const { runchart } = host;
  after(() => host.close());

  const FLOCK = '/usr/bin/flock';
  it('file locks, with --file-locks', { skip: !existsSync(FLOCK) && 'util-linux has no flock here' }, async () => {
    // Busybox has no flock. So it is that of the host, with its libraries.
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

  const withNamespaces = (config: Config, change: (namespaces: readonly Namespace[]) => Namespace[]): Config => ({
    ...config,
    linux: { ...config.linux, namespaces: change(config.linux?.namespaces ?? []) },
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
      ['-c', '"$0" "$@" 9>"$READY" </dev/null >/dev/null 2>"$READY.err" & echo $!', RUNCHART, ...line],
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
        // The restore would wait for the pages.
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
