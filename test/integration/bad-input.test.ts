/** What cannot work: one clear line, and nothing left. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { type Container, openRuntime } from '../../library/index.ts';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers } from './containers.ts';
import { until } from './lives.ts';
import { hostMounts } from './mountinfo.ts';
import { remains } from './nothing-left.ts';

const skip = noContainers;
const host = containers('bad');
after(() => host.close());
const mounted = hostMounts(host.path).map(({ line }) => line);

afterEach(() => {
  assert.deepEqual(remains(host.idOf(''), host.path), []);
  assert.deepEqual(
    hostMounts(host.path).map(({ line }) => line),
    mounted,
  );
});

/** One line, without a stack, and with the reason. */
async function refused(what: Promise<unknown>, reason: RegExp, title = String(reason)): Promise<void> {
  await assert.rejects(
    what,
    (error: Error) => {
      assert.match(error.message, reason, title);
      assert.doesNotMatch(error.message, /\n|\bat \S+ \(|undefined|\[object/, title);
      assert.ok(error.message.length < 1000, `${title}: ${error.message.length} characters`);
      return true;
    },
    title,
  );
}

const from = (bundle: string, name = 'input') => host.runtime.create({ id: host.idOf(name), bundle });

function withText(text: string): string {
  return host.bundle('text', shellConfig(''), (_, bundle) => writeFileSync(join(bundle, 'config.json'), text));
}

test('a bundle that is missing, or no directory, or without config.json', { skip }, async () => {
  await refused(from(join(host.path, 'no-such-bundle')), /config\.json.*no-such-bundle/);
  await refused(from('/dev/null'), /\/dev\/null\/config\.json: ENOTDIR/);
  const bundle = host.bundle('without', shellConfig(''), (_, folder) => unlinkSync(join(folder, 'config.json')));
  await refused(from(bundle), /^JSON specification file config\.json not found in /);
});

test('a config.json that is not one', { skip }, async () => {
  const texts: Readonly<Record<string, RegExp>> = {
    '': /config\.json/,
    '{': /config\.json/,
    '[]': /config\.json/,
    null: /config\.json/,
    '{"ociVersion": 1}': /config\.json: ociVersion/,
    '{"ociVersion": "1.3.0", "root": "rootfs"}': /config\.json: .*root/,
    '\u0000\u0001': /config\.json/,
    [`{"a":${'['.repeat(100_000)}`]: /config\.json/,
    [`{"ociVersion": "1.0.0", "x": "${'y'.repeat(1 << 20)}`]: /config\.json/,
  };
  for (const [text, reason] of Object.entries(texts)) await refused(from(withText(text)), reason, text.slice(0, 60));
});

test('a config.json that is no file is not waited for', { skip }, async () => {
  const special: Readonly<Record<string, (path: string) => void>> = {
    directory: (path) => mkdirSync(path),
    fifo: (path) => void execFileSync('mkfifo', [path]),
    loop: (path) => symlinkSync('config.json', path),
    endless: (path) => symlinkSync('/dev/zero', path),
  };
  for (const [name, make] of Object.entries(special)) {
    const bundle = host.bundle(name, shellConfig(''), (_, folder) => {
      unlinkSync(join(folder, 'config.json'));
      make(join(folder, 'config.json'));
    });
    await refused(from(bundle), /config\.json/, name);
  }
});

test('types, versions and values that are wrong are told with their place', { skip }, async () => {
  const good = shellConfig('');
  const wrong: readonly [unknown, RegExp][] = [
    [{ ...good, ociVersion: '2.0.0' }, /ociVersion/],
    [{ ...good, ociVersion: 'one' }, /ociVersion/],
    [{ ...good, ociVersion: undefined }, /ociVersion/],
    [{ ...good, root: undefined }, /root/],
    [{ ...good, process: { ...good.process, cwd: 'relative' } }, /process\.cwd/],
    [{ ...good, process: { ...good.process, args: [] } }, /process\.args/],
    [{ ...good, process: { ...good.process, args: 'sh' } }, /process\.args/],
    [{ ...good, process: { ...good.process, user: { uid: -1, gid: 0 } } }, /process\.user\.uid/],
    [{ ...good, process: { ...good.process, env: [1] } }, /process\.env/],
    [{ ...good, hostname: 7 }, /hostname/],
    [{ ...good, mounts: {} }, /mounts/],
    [{ ...good, linux: { ...good.linux, namespaces: [{ type: 'pid' }, { type: 'pid' }] } }, /namespaces/],
    [{ ...good, linux: { ...good.linux, namespaces: [{ type: 'wormhole' }] } }, /namespaces/],
    [
      { ...good, process: { ...good.process, rlimits: [{ type: 'RLIMIT_NONSENSE', soft: 1, hard: 1 }] } },
      /RLIMIT_NONSENSE|rlimits/,
    ],
    [
      { ...good, process: { ...good.process, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 2, hard: 1 }] } },
      /RLIMIT_NOFILE|rlimits/,
    ],
    [{ ...good, hostname: 'h'.repeat(65) }, /host ?name/],
  ];
  for (const [config, reason] of wrong) await refused(from(withText(JSON.stringify(config))), reason, String(reason));
});

test('a rootfs that is missing, or no directory', { skip }, async () => {
  const roots: Readonly<Record<string, RegExp>> = {
    missing: /^invalid rootfs: stat .*\/missing: ENOENT/,
    'config.json': /^invalid rootfs: .*\/config\.json is not a directory$/,
    '/dev/null': /^invalid rootfs: \/dev\/null is not a directory$/,
    link: /^invalid rootfs: not an absolute path, or a symlink: .*\/link$/,
  };
  const bundle = host.bundle('roots', shellConfig(''), (_, folder) => {
    symlinkSync('rootfs', join(folder, 'link'));
  });
  for (const [path, reason] of Object.entries(roots)) {
    const config = { ...shellConfig(''), root: { path } };
    await refused(host.runtime.create({ id: host.idOf('root'), bundle, config }), reason, path);
  }
});

test('a rootfs without anything in it', { skip }, async () => {
  const bundle = host.bundle('empty', { ...shellConfig(''), root: { path: 'rootfs' } }, (rootfs) => {
    rmSync(rootfs, { recursive: true });
    mkdirSync(rootfs);
  });
  await refused(from(bundle), /^unable to start container process: exec: "sh": executable file not found in \$PATH$/);
});

test('ids that are none, for every operation', { skip }, async () => {
  const bundle = host.bundle('ids', shellConfig(''));
  const ids = ['', '.', '..', '../x', 'a/b', '/etc', 'a\nb', 'a b', 'a\0b', 'é', 'x'.repeat(5000), '\u001b[31m'];
  for (const id of ids) {
    const reason = id === '' ? /container id cannot be empty/ : /invalid container ID format/;
    await refused(host.runtime.create({ id, bundle }), reason, JSON.stringify(id.slice(0, 20)));
    assert.throws(() => host.runtime.container(id), reason);
  }
});

test('an id in use, which goes on living', { skip }, async () => {
  await using first = await host.create('use', shellConfig(''));
  await refused(host.runtime.create({ id: first.id, bundle: first.bundle }), /^container \S+ exists already$/);
  assert.equal(await first.finish(), 0);
  await refused(host.runtime.create({ id: first.id, bundle: first.bundle }), /^container \S+ exists already$/);
});

test('what is not there', { skip }, async () => {
  const none = host.runtime.container(host.idOf('none'));
  const operations: readonly ((container: Container) => Promise<unknown>)[] = [
    (one) => one.state(),
    (one) => one.start(),
    (one) => one.kill(),
    (one) => one.pause(),
    (one) => one.resume(),
    (one) => one.delete(),
  ];
  for (const operation of operations) await refused(operation(none), /^container \S+ does not exist$/);
  await none.delete({ force: true });
});

test('programs that cannot be executed fail the creation, as with runc', { skip }, async () => {
  const prepare = (rootfs: string) => {
    writeFileSync(join(rootfs, 'bin/plain'), '');
    writeFileSync(join(rootfs, 'bin/root-only'), '#!/bin/sh\n', { mode: 0o700 });
    mkdirSync(join(rootfs, 'closed'), { mode: 0o700 });
    writeFileSync(join(rootfs, 'closed/program'), '#!/bin/sh\n', { mode: 0o755 });
    symlinkSync('/nowhere', join(rootfs, 'bin/dangling'));
  };
  const nobody = { uid: 1000, gid: 1000 };
  const programs: readonly [Partial<NonNullable<Config['process']>>, RegExp][] = [
    [
      { args: ['no-such'] },
      /^unable to start container process: exec: "no-such": executable file not found in \$PATH$/,
    ],
    [
      { args: ['dangling'] },
      /^unable to start container process: exec: "dangling": executable file not found in \$PATH$/,
    ],
    [
      { args: ['/no/such'] },
      /^unable to start container process: exec: "\/no\/such": stat \/no\/such: no such file or directory$/,
    ],
    [{ args: ['/bin/plain'] }, /^unable to start container process: exec: "\/bin\/plain": permission denied$/],
    [{ args: ['plain'] }, /^unable to start container process: exec: "plain": executable file not found in \$PATH$/],
    [{ args: ['/bin'] }, /^unable to start container process: exec: "\/bin": is a directory: permission denied$/],
    [{ args: ['/dev/null'] }, /^unable to start container process: exec: "\/dev\/null": permission denied$/],
    [{ args: [''] }, /^unable to start container process: exec: "": /],
    [{ args: ['sh'], env: [] }, /^unable to start container process: exec: "sh": executable file not found in \$PATH$/],
    [
      { args: ['/bin/root-only'], user: nobody },
      /^unable to start container process: exec: "\/bin\/root-only": permission denied$/,
    ],
    [
      { args: ['/closed/program'], user: nobody },
      /^unable to start container process: exec: "\/closed\/program": .*permission denied$/,
    ],
    [{ args: [`/${'x'.repeat(5000)}`] }, /^unable to start container process: exec: "\/x+": .*name too long$/],
  ];
  for (const [process, reason] of programs) {
    const config = shellConfig('');
    const creation = host.create('program', { ...config, process: { ...config.process, ...process } }, { prepare });
    await assert.rejects(creation, (error: Error) => {
      assert.match(error.message, reason);
      return true;
    });
  }
});

test('a program that the kernel cannot execute is told by start, and the container is stopped', { skip }, async () => {
  const programs: Readonly<Record<string, [content: string | Buffer, RegExp]>> = {
    binary: [Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0]), /^exec \/bin\/program: exec format error$/],
    script: ['#!/no/such/interpreter\n', /^exec \/bin\/program: no such file or directory$/],
    text: ['just text', /^exec \/bin\/program: exec format error$/],
  };
  for (const [name, [content, reason]] of Object.entries(programs)) {
    const config = shellConfig('');
    await using created = await host.create(
      name,
      { ...config, process: { ...config.process, args: ['/bin/program'] } },
      {
        prepare: (rootfs) => writeFileSync(join(rootfs, 'bin/program'), content, { mode: 0o755 }),
      },
    );
    await refused(created.container.start(), reason, name);
    assert.equal((await created.container.state()).status, 'stopped', name);
    await refused(created.container.start(), /^cannot start container \S+: it is stopped$/, name);
  }
});

test('an argument list or environment that is too long', { skip }, async () => {
  const config = shellConfig('');
  const long = { ...config, process: { ...config.process, env: ['PATH=/bin', `X=${'x'.repeat(200_000)}`] } };
  await using created = await host.create('long', long);
  await refused(created.container.start(), /argument list too long$/);
});

test('a state root that is full, read-only, or no directory', { skip }, async () => {
  const bundle = host.bundle('full', shellConfig(''));
  const tmpfs = (name: string, options: string): string => {
    const path = join(host.path, name);
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
    return path;
  };
  const full = tmpfs('full', 'size=8k');
  const inodes = tmpfs('inodes', 'nr_inodes=2');
  const readOnly = tmpfs('readonly', 'ro');
  try {
    writeFileSync(join(full, 'filler'), Buffer.alloc(4096));
    const attempts: Readonly<Record<string, RegExp>> = {
      [full]: /ENOSPC/,
      [inodes]: /ENOSPC/,
      [readOnly]: /^cannot make the state directory .*: EROFS: read-only file system/,
      [join(bundle, 'config.json')]: /^cannot make the state directory .*: ENOTDIR/,
      '/proc/nowhere': /^cannot make the state directory .*: ENOENT/,
    };
    for (const [root, reason] of Object.entries(attempts)) {
      const runtime = openRuntime({ root });
      await refused(runtime.create({ id: host.idOf('full'), bundle }), reason, root);
      assert.deepEqual(
        remains(host.idOf(''), host.path).filter((line) => !line.startsWith('mount ')),
        [],
        root,
      );
      if (root !== join(bundle, 'config.json') && existsSync(root))
        assert.deepEqual(
          readdirSync(root).filter((name) => name !== 'filler'),
          [],
          root,
        );
    }
  } finally {
    for (const path of [full, inodes, readOnly]) execFileSync('umount', [path]);
  }
});

test('without permission', { skip }, async () => {
  const bundle = host.bundle('unprivileged', shellConfig(''));
  chmodSync(host.path, 0o755);
  const library = JSON.stringify(join(import.meta.dirname, '../../library/index.ts'));
  const tries = ['/run/runchart-test-none', '/tmp'].map((base) => `${base}/runchart-test-${process.pid}-state`);
  for (const root of tries) {
    const script = `const { openRuntime } = await import(${library});
      try { await openRuntime({ root: ${JSON.stringify(root)} }).create({
          id: ${JSON.stringify(host.idOf('user'))}, bundle: ${JSON.stringify(bundle)} }); console.log('created'); }
      catch (error) { console.log(error.message); }`;
    const child = spawn(
      'setpriv',
      ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '--input-type=module', '-e', script],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data;
    });
    await new Promise((resolve) => child.once('close', resolve));
    assert.match(text, /^[^\n]*(EACCES: permission denied|EPERM: operation not permitted)[^\n]*\n$/, root);
    if (existsSync(root)) {
      assert.deepEqual(readdirSync(root), [], root);
      rmSync(root, { recursive: true });
    }
  }
});

test('of many starts at the same time one starts it', { skip }, async () => {
  await using created = await host.create('starts', shellConfig('echo once; sleep 100'));
  const again = openRuntime({ root: join(host.path, 'state') });
  const starts = Array.from({ length: 5 }, (_, i) =>
    (i % 2 === 0 ? created.container : again.container(created.id)).start(),
  );
  const outcomes = await Promise.allSettled(starts);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected')
      assert.match(outcome.reason.message, /^cannot start container \S+: it is running$/);
  await until('it has begun', () => created.output() !== '');
  assert.equal(created.output(), 'once\n');
});

test('of many creates with one id one creates it', { skip }, async () => {
  const bundle = host.bundle('creates', shellConfig(''));
  const id = host.idOf('creates');
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => host.runtime.create({ id, bundle })));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') assert.match(outcome.reason.message, /^container \S+ exists already$/);
  await host.runtime.container(id).delete({ force: true });
});

test('start, kill and delete all at once leave a container that can be deleted, or none', { skip }, async () => {
  for (let i = 0; i < 5; i++) {
    const created = await host.create('all', shellConfig('sleep 100'));
    const { container } = created;
    const outcomes = await Promise.allSettled([
      container.start(),
      container.kill('SIGKILL'),
      container.delete({ force: true }),
      container.state(),
      container.delete({ force: true }),
      container.start(),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') assert.match(outcome.reason.message, /^[^\n]+$/);
    await container.delete({ force: true });
    await refused(container.state(), /^container \S+ does not exist$/);
  }
});

test('a container deleted under a command’s feet', { skip }, async () => {
  const created = await host.create('gone', shellConfig(''));
  const state = join(host.path, 'state', created.id);
  process.kill(created.pid, 'SIGKILL');
  await created.container.wait();
  rmSync(state, { recursive: true });
  for (const operation of [created.container.start(), created.container.kill(), created.container.delete()])
    await refused(operation, /^container \S+ does not exist$/);
  // Without its record only the cgroup can tell that it was there: whoever removed the one removes the other.
  for (const path of remains(host.idOf(''), host.path)) execFileSync('rmdir', [path.replace(/^cgroup /, '')]);
});

test('an init that was killed before start', { skip }, async () => {
  await using created = await host.create('dead', shellConfig(''));
  process.kill(created.pid, 'SIGKILL');
  await created.container.wait();
  assert.equal((await created.container.state()).status, 'stopped');
  await refused(created.container.start(), /^cannot start container \S+: it is stopped$/);
});

test('a damaged or foreign state.json is told, and deleted by force', { skip }, async () => {
  for (const text of ['', '{', '{}', '[]', '{"version": 99}', '\u0000', 'x'.repeat(1 << 16)]) {
    const created = await host.create('damaged', shellConfig(''));
    writeFileSync(join(host.path, 'state', created.id, 'state.json'), text);
    const title = text.slice(0, 10);
    await refused(created.container.state(), /state\.json|state of container|damaged/, title);
    await refused(created.container.start(), /state\.json|state of container|damaged/, title);
    await created.container.delete({ force: true });
    // Killed by its cgroup: who started it is told so, though no record says which process it was.
    assert.equal((await created.container.wait()).status, 137, title);
    assert.deepEqual(remains(host.idOf(''), host.path), [], title);
  }
});

test('less memory than an init needs, in runc’s words', { skip }, async (t) => {
  const unified = existsSync('/sys/fs/cgroup/cgroup.controllers');
  if (
    unified
      ? !readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').includes('memory')
      : !existsSync('/sys/fs/cgroup/memory')
  )
    return t.skip('no memory controller here');
  const config = shellConfig('true');
  const resources = { ...config.linux?.resources, memory: { limit: 4096 } };
  await refused(
    host.runtime.create({
      id: host.idOf('memory'),
      bundle: host.bundle('memory', { ...config, linux: { ...config.linux, resources } }),
    }),
    /^unable to start container process: container init was OOM-killed \(memory limit too low\?\)$/,
  );
});
