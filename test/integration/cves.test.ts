/** What broke runc once, a test each. The defences are where effects/ and native/ name the CVE. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fcntl } from '../../native/calls/files.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { bind, writableShell } from './configs.ts';
import { containers, namespaceOf, proc, seenBy, statusField } from './containers.ts';
import { textOf } from './gone-meanwhile.ts';
import { until } from './lives.ts';
import { hostMounts, mountsOf } from './mountinfo.ts';
import { remainsAtLast } from './nothing-left.ts';

const skip = noContainers;
const host = containers('cves');
after(() => host.close());

const bun = join(import.meta.dirname, '../../node_modules/.bin/bun');
const main = join(import.meta.dirname, '../../commands/main.ts');

const F_GET_SEALS = 1034;
const ALL_SEALS = 0xf;

function folder(name: string): string {
  const path = join(host.path, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Waits until a file of the host has something in it. */
async function appears(path: string): Promise<string> {
  await until(`${path} is there`, () => textOf(path) !== '');
  return textOf(path);
}

test('CVE-2016-9962, CVE-2024-21626: an init that joins a container is closed to the processes in it', {
  skip,
}, async () => {
  const shared = folder('shared');
  // Without CAP_SYS_PTRACE, and CAP_SYS_ADMIN, which is CAP_PERFMON too: that may read /proc/PID/maps.
  const script = `while ! pid=$(cat /shared/pid 2>/dev/null) || [ -z "$pid" ]; do sleep 0.1; done
    { for file in fd/0 root cwd exe; do ls -l /proc/$pid/$file/ 2>&1 | tail -1; done; cat /proc/$pid/environ \\
      /proc/$pid/maps 2>&1; echo 0 2>&1 > /proc/$pid/mem; echo end; } > /shared/new 2>&1
    mv /shared/new /shared/seen; sleep 100`;
  const config = writableShell(script, bind('/shared', shared));
  const capabilities = ['CAP_DAC_OVERRIDE', 'CAP_KILL', 'CAP_SETUID', 'CAP_SYS_CHROOT', 'CAP_FOWNER'];
  const sets = { bounding: capabilities, effective: capabilities, permitted: capabilities };
  await using first = await host.create('joined', { ...config, process: { ...config.process, capabilities: sets } });
  await first.container.start();
  const { hostname: _, ...joining } = writableShell('true');
  const namespaces = [{ type: 'mount' as const }, { type: 'pid' as const, path: `/proc/${first.pid}/ns/pid` }];
  await using second = await host.create('joining', { ...joining, linux: { ...joining.linux, namespaces } });
  assert.equal(namespaceOf(second.pid, 'pid'), namespaceOf(first.pid, 'pid'));
  const [, inner] = statusField(second.pid, 'NSpid').split('\t');
  writeFileSync(join(shared, 'pid'), `${inner}`);
  const seen = (await appears(join(shared, 'seen'))).trim().split('\n');
  assert.equal(seen.length, 8, seen.join('\n'));
  for (const line of seen.slice(0, -1)) assert.match(line, /Permission denied/);
});

test('CVE-2019-5736: the program of the init cannot be written to, nor is it a file of the host’s', {
  skip,
}, async () => {
  const { local } = hostPlatform();
  await using created = await host.create('exe', shellConfig(''));
  const exe = openSync(`/proc/${created.pid}/exe`, 'r');
  try {
    assert.equal(attempt(local, fcntl(exe, F_GET_SEALS, 0)), ALL_SEALS);
    assert.equal(statSync(`/proc/${created.pid}/exe`).nlink, 0);
    assert.throws(() => openSync(`/proc/${created.pid}/exe`, 'r+'), /ETXTBSY|EPERM/);
  } finally {
    closeSync(exe);
  }
});

test('CVE-2019-5736: /proc/self/exe as the program leads to nothing that a container could use', { skip }, async () => {
  for (const args of [['/proc/self/exe'], ['/proc/self/exe', '3'], ['/bin/link', '3'], ['/bin/script']]) {
    const config = writableShell('');
    const run = host.run(
      'self',
      { ...config, process: { ...config.process, args } },
      {
        prepare(rootfs) {
          symlinkSync('/proc/self/exe', join(rootfs, 'bin/link'));
          writeFileSync(join(rootfs, 'bin/script'), '#!/proc/self/exe\n', { mode: 0o755 });
        },
      },
    );
    // The init's program ends at once: it has neither a socket nor anything else of the runtime's.
    await run.then(
      ({ status, output }) => assert.deepEqual([status === 0 || status === 125, output], [true, '']),
      (error: Error) => assert.match(error.message, /^exec /),
    );
  }
});

test('CVE-2019-16884: a volume does not come between the runtime and procfs', { skip }, async () => {
  const volume = folder('volume');
  mkdirSync(join(volume, 'self/attr'), { recursive: true });
  await assert.rejects(
    host.create('volume', writableShell('', bind('/proc', volume))),
    /"\/proc" cannot be mounted because it is not of type proc/,
  );
});

test('CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc of an image is no link to another place', {
  skip,
}, async () => {
  const volume = folder('evil');
  mkdirSync(join(volume, 'proc'), { recursive: true });
  const linked = (target: string) =>
    host.create('link', writableShell('', bind('/evil', volume)), {
      prepare(rootfs) {
        rmSync(join(rootfs, 'proc'), { recursive: true });
        symlinkSync(target, join(rootfs, 'proc'));
      },
    });
  for (const target of ['/evil/proc', 'evil/proc', '/evil/../evil/proc'])
    await assert.rejects(linked(target), /filesystem "proc" must be mounted on ordinary directory/);
  for (const path of ['/proc/self', '/proc/thread-self/attr', '/proc/1/attr'])
    await assert.rejects(host.create('inside', writableShell('', bind(path, volume))), /because it is inside \/proc/);
});

test('CVE-2021-30465, CVE-2024-45310: a path that turns into a link while it is used leads nowhere else', {
  skip,
}, async () => {
  // Two containers share a volume. One exchanges a directory for links in it, while mounts of the other are made there.
  const volume = folder('race');
  const outside = folder('outside');
  const payload = folder('payload');
  writeFileSync(join(payload, 'payload'), '');
  mkdirSync(join(volume, 'a'), { recursive: true });
  symlinkSync(`${'../'.repeat(30)}${outside.slice(1)}`, join(volume, 'b'));
  const native = JSON.stringify(join(import.meta.dirname, '../../native/host-platform.ts'));
  const exchange = `const { hostPlatform } = await import(${native});
    const { local } = hostPlatform();
    const calls = Array.from({ length: 64 }, () => ({ name: 'renameat2', args: [-100, 'a', -100, 'b', 2],
      mayFail: true }));
    const nothing = { name: 'close', args: [-1], mayFail: true };
    const end = Date.now() + 60_000;
    while (Date.now() < end) { local.submit([...calls, nothing]);
      await new Promise((resolve) => setImmediate(resolve)); }`;
  const racer = spawn(process.execPath, ['--input-type=module', '-e', exchange], { cwd: volume, stdio: 'ignore' });
  const ended = once(racer, 'exit');
  const before = hostMounts(host.path).map(({ line }) => line);
  const outcomes = { inside: 0, refused: 0 };
  try {
    for (let i = 0; i < 40; i++) {
      const config = writableShell('', bind('/v', volume), bind('/v/a', payload), bind('/v/a/new/deep', payload), {
        destination: '/v/a/fs',
        type: 'tmpfs',
        source: 'tmpfs',
      });
      try {
        await using created = await host.create('race', config);
        const inside = mountsOf(created.pid).filter(({ root }) => root.endsWith('/payload'));
        for (const { point } of inside) assert.doesNotMatch(point, /^\/\//);
        outcomes.inside += 1;
      } catch (error) {
        assert.match((error as Error).message, /^unable to start container process: (bind|mount) .*: /);
        outcomes.refused += 1;
      }
    }
  } finally {
    racer.kill('SIGKILL');
    await ended;
  }
  assert.equal(outcomes.inside + outcomes.refused, 40);
  assert.deepEqual(readdirSync(outside), [], 'nothing was made outside');
  assert.deepEqual(
    hostMounts(host.path).map(({ line }) => line),
    before,
  );
});

test('CVE-2022-29162: no capability is inheritable unless the config says so', { skip }, async () => {
  await using created = await host.create('inheritable', shellConfig('grep CapInh /proc/self/status; sleep 100'));
  await created.container.start();
  assert.equal(statusField(created.pid, 'CapInh'), '0000000000000000');
});

test('CVE-2024-21626: the working directory is entered through no descriptor', { skip }, async () => {
  for (let fd = 0; fd < 16; fd++)
    for (const cwd of [`/proc/self/fd/${fd}`, `/proc/self/fd/${fd}/../../..`, `/link${fd}`]) {
      const config = writableShell('');
      const create = host.create(
        'cwd',
        { ...config, process: { ...config.process, cwd } },
        {
          prepare: (rootfs) => symlinkSync(`/proc/self/fd/${fd}`, join(rootfs, `link${fd}`)),
        },
      );
      await assert.rejects(
        create,
        /^OperationError: unable to start container process: chdir to cwd \(".*"\) set in config\.json failed: /,
      );
    }
});

test('CVE-2024-21626: not even through a directory that the caller leaves open on purpose', { skip }, async () => {
  const config = writableShell('pwd; ls');
  const bundle = host.bundle('preserved', { ...config, process: { ...config.process, cwd: '/proc/self/fd/3' } });
  const root = openSync('/', 'r');
  const run = () =>
    spawnSync(
      bun,
      [
        main,
        '--root',
        join(host.path, 'state'),
        'run',
        '--preserve-fds',
        '1',
        '--bundle',
        bundle,
        host.idOf('preserved'),
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe', root],
        encoding: 'utf8',
      },
    );
  const { status, stdout, stderr } = run();
  closeSync(root);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(
    stderr,
    /chdir to cwd .*\/proc\/self\/fd\/3.* set in config\.json failed: too many levels of symbolic links \(ELOOP\)/,
  );
});

test('CVE-2025-31133: paths are masked by the null device, or the container is refused', { skip }, async () => {
  const dev = (name: string, make: (path: string) => void): string => {
    const path = folder(name);
    make(join(path, 'null'));
    return path;
  };
  const secret = (rootfs: string) => writeFileSync(join(rootfs, 'secret'), 'secret\n');
  const masking = (source: string) => {
    const config = writableShell('cat /secret; cat /proc/keys | wc -c');
    const mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'));
    const linux = { ...config.linux, maskedPaths: ['/secret', '/proc/keys'] };
    return host.run('mask', { ...config, mounts: [...mounts, bind('/dev', source)], linux }, { prepare: secret });
  };
  const attempts: Readonly<Record<string, (path: string) => void>> = {
    file: (path) => writeFileSync(path, ''),
    link: (path) => symlinkSync('/proc/sys/kernel/core_pattern', path),
    zero: (path) => void spawnSync('mknod', [path, 'c', '1', '5']),
    block: (path) => void spawnSync('mknod', [path, 'b', '1', '3']),
    fifo: (path) => void spawnSync('mkfifo', [path]),
    nothing: () => undefined,
  };
  for (const [name, make] of Object.entries(attempts))
    await assert.rejects(
      masking(dev(`dev-${name}`, make)),
      /^OperationError: unable to start container process: mask paths: \/dev\/null of the container is not the null device$/,
      name,
    );
  const right = dev('dev-right', (path) => void spawnSync('mknod', ['-m', '666', path, 'c', '1', '3']));
  assert.equal((await masking(right)).output, '0\n');
});

test('CVE-2025-31133: what is masked cannot be read or written, and stays so', { skip }, async () => {
  const script =
    'cat /proc/keys /proc/timer_list | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -vc :; ' +
    'umount /proc/keys 2>/dev/null || echo kept; (echo x > /proc/keys) 2>/dev/null; ' +
    'touch /sys/firmware/x 2>/dev/null || echo closed';
  assert.equal((await host.run('masked', shellConfig(script))).output, '0\n1\nkept\nclosed\n');
});

test('CVE-2025-52881: what the runtime does to a container is not written through the container’s procfs', {
  skip,
}, async () => {
  // A procfs that the image puts in the way would get what is meant for the kernel; see the refusals above. So nothing
  // is written at all.
  const own = proc(process.pid, 'oom_score_adj');
  await using created = await host.create('written', shellConfig(''));
  assert.equal(proc(created.pid, 'oom_score_adj'), own);
  assert.equal(statSync(seenBy(created.pid, '/proc/1/oom_score_adj')).dev, statSync(seenBy(created.pid, '/proc')).dev);
});

test('CVE-2025-52565: the terminal is mounted on /dev/console itself, through no link, and comes from devpts', {
  skip,
}, async () => {
  const socket = join(host.path, 'console.sock');
  // Not read from: with the message, the terminal's master would be dropped, and its end hangs up on the waiting init.
  const kept: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (connection) => void kept.push(connection)).listen(socket);
  await once(server, 'listening');
  /** @param fill makes what the container finds in its /dev */
  const create = async (name: string, devpts: boolean, fill: (dev: string) => void) => {
    const dev = folder(`console-${name}`);
    mkdirSync(join(dev, 'pts'));
    fill(dev);
    const config = writableShell('');
    const mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'));
    const own = (config.mounts ?? []).filter(({ destination }) => devpts && destination === '/dev/pts');
    const full = {
      ...config,
      process: { ...config.process, terminal: true },
      mounts: [...mounts, bind('/dev', dev), ...own],
      linux: { ...config.linux, maskedPaths: [], readonlyPaths: [] },
    };
    const bundle = host.bundle('console', full, (rootfs) => writeFileSync(join(rootfs, 'victim'), ''));
    const id = host.idOf(`console-${name}`);
    const argv = [
      main,
      '--root',
      join(host.path, 'state'),
      'create',
      '--console-socket',
      socket,
      '--bundle',
      bundle,
      id,
    ];
    // Not synchronously: its connection is to be accepted meanwhile.
    const child = spawn(bun, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => {
      stderr += data;
    });
    const [status] = await once(child, 'close');
    const container = host.runtime.container(id);
    try {
      const { pid = 0 } = status === 0 ? await container.state() : {};
      const points = pid === 0 ? [] : mountsOf(pid).filter(({ type }) => type === 'devpts');
      return { status, stderr, points: points.map(({ point }) => point) };
    } finally {
      await container.delete({ force: true });
      await remainsAtLast(id, host.path);
    }
  };
  try {
    const plain = await create('plain', true, () => undefined);
    assert.deepEqual(plain, { status: 0, stderr: '', points: ['/dev/pts', '/dev/console'] });
    for (const [name, target] of [
      ['absolute', '/victim'],
      ['climbing', `${'../'.repeat(20)}victim`],
      ['procfs', '/proc/self/attr/exec'],
      ['dangling', '/nowhere'],
    ] as const) {
      const { status, stderr, points } = await create(name, true, (dev) => symlinkSync(target, join(dev, 'console')));
      if (status === 0) assert.deepEqual(points, ['/dev/pts', '/dev/console'], name);
      else assert.match(stderr, /^[^\n]*set up the terminal[^\n]*\n$/, name);
    }
    // What an image has in place of the multiplexer is not opened as one.
    const multiplexers: Readonly<Record<string, (path: string) => void>> = {
      file: (path) => writeFileSync(path, ''),
      zero: (path) => void spawnSync('mknod', [path, 'c', '1', '5']),
    };
    for (const [name, make] of Object.entries(multiplexers)) {
      const { status, stderr } = await create(name, false, (dev) => make(join(dev, 'pts/ptmx')));
      assert.equal(status, 1);
      assert.match(
        stderr,
        /set up the terminal: .*\/dev\/pts\/ptmx of the container is not on a devpts file system/,
        name,
      );
    }
  } finally {
    for (const connection of kept) connection.destroy();
    server.close();
  }
});
