/** The container's root: how it is entered, what is closed in it, and that it is the one that runc makes. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Mount } from '../../spec/types.ts';
import { noContainers, shellConfig, writeConfig } from './bundle.ts';
import { writableShell } from './configs.ts';
import { containers, proc, seenBy } from './containers.ts';
import { hostMounts, mountsOf, topMount } from './mountinfo.ts';
import { remainsAtLast } from './nothing-left.ts';

const skip = noContainers;
const host = containers('rootfs');
after(() => host.close());

test('a read-only root cannot be written to, what is mounted in it can', { skip }, async () => {
  const script =
    'touch /x; touch /dev/x && echo /dev; touch /dev/shm/x && echo shm; mount -o remount,rw / 2>/dev/null || echo kept';
  const { output } = await host.run('readonly', shellConfig(script));
  assert.equal(output, 'touch: /x: Read-only file system\n/dev\nshm\nkept\n');
});

test('a tmpfs over a directory of the image has its permissions, unless the config says', { skip }, async () => {
  const config = shellConfig('stat -c "%a %n" /a /b /dev/fresh; touch /a/x');
  const tmpfs = (destination: string, ...options: string[]): Mount => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options,
  });
  const mounts = [...(config.mounts ?? []), tmpfs('/a', 'nosuid'), tmpfs('/b', 'mode=700'), tmpfs('/dev/fresh')];
  const { output } = await host.run(
    'tmpfs',
    { ...config, mounts },
    {
      prepare(rootfs) {
        for (const name of ['a', 'b']) mkdirSync(join(rootfs, name));
        for (const name of ['a', 'b']) chmodSync(join(rootfs, name), 0o1751);
      },
    },
  );
  assert.equal(output, '1751 /a\n700 /b\n1777 /dev/fresh\n');
});

test('a writable root is the bundle’s own', { skip }, async () => {
  const bundle = host.bundle('writable', writableShell(''));
  await host.run('writable', writableShell('echo mine > /made'), { bundle });
  assert.equal(readFileSync(join(bundle, 'rootfs/made'), 'utf8'), 'mine\n');
});

test('the root is a folder by its absolute path, one relative to the bundle, or behind a link', { skip }, async () => {
  const bundle = host.bundle('path', shellConfig(''), (rootfs, folder) => {
    writeFileSync(join(rootfs, 'mark'), 'here\n');
    mkdirSync(join(folder, 'deep'));
    symlinkSync('..', join(folder, 'deep/up'));
  });
  for (const path of [join(bundle, 'rootfs'), 'rootfs', './deep/../rootfs/', 'deep/up/rootfs']) {
    await using created = await host.create('path', { ...shellConfig('cat /mark'), root: { path } }, { bundle });
    assert.equal(statSync(seenBy(created.pid, '/')).ino, statSync(join(bundle, 'rootfs')).ino, path);
    assert.equal(await created.finish(), 0);
    assert.equal(created.output(), 'here\n');
  }
});

test('masked files are empty, masked directories too, and what is not there needs no mask', { skip }, async () => {
  const config = writableShell(
    'cat /secret | wc -c; ls -A /dir | wc -l; touch /dir/x 2>/dev/null || echo closed; cat /plain',
  );
  const maskedPaths = ['/secret', '/dir', '/not/there', '/secret/below', '/dir/below', '/secret'];
  const { output } = await host.run(
    'masked',
    { ...config, linux: { ...config.linux, maskedPaths } },
    {
      prepare(rootfs) {
        writeFileSync(join(rootfs, 'secret'), 'secret');
        writeFileSync(join(rootfs, 'plain'), 'plain\n');
        mkdirSync(join(rootfs, 'dir/below'), { recursive: true });
      },
    },
  );
  assert.equal(output, '0\n0\nclosed\nplain\n');
});

test('a path that is listed twice is covered once', { skip }, async () => {
  const config = writableShell('');
  const linux = { ...config.linux, maskedPaths: ['/secret', '/dir', '/secret', '/dir'], readonlyPaths: ['/ro', '/ro'] };
  await using created = await host.create(
    'twice',
    { ...config, linux },
    {
      prepare(rootfs) {
        writeFileSync(join(rootfs, 'secret'), 'secret');
        for (const name of ['dir', 'ro']) mkdirSync(join(rootfs, name));
      },
    },
  );
  const points = mountsOf(created.pid).map(({ point }) => point);
  assert.deepEqual(points.filter((point) => ['/secret', '/dir', '/ro'].includes(point)).sort(), [
    '/dir',
    '/ro',
    '/secret',
  ]);
});

test('read-only paths are so with all that is mounted below', { skip }, async () => {
  const from = join(host.path, 'data');
  mkdirSync(join(from, 'sub'), { recursive: true });
  const config = writableShell(
    'touch /closed/x; touch /closed/sub/x; touch /file; echo > /file; touch /open/x && echo open; echo 1 > /proc/sys/vm/swappiness',
  );
  const mounts: Mount[] = [
    ...(config.mounts ?? []),
    { destination: '/closed/sub', source: from, type: 'bind', options: ['bind'] },
  ];
  const readonlyPaths = ['/closed', '/file', '/not/there', ...(config.linux?.readonlyPaths ?? [])];
  const { output } = await host.run(
    'paths',
    { ...config, mounts, linux: { ...config.linux, readonlyPaths } },
    {
      prepare(rootfs) {
        mkdirSync(join(rootfs, 'closed/sub'), { recursive: true });
        mkdirSync(join(rootfs, 'open'));
        writeFileSync(join(rootfs, 'file'), '');
      },
    },
  );
  assert.equal(
    output.replaceAll(/sh: can't create (\S+):/g, 'touch: $1:'),
    [
      'touch: /closed/x: Read-only file system',
      'touch: /closed/sub/x: Read-only file system',
      'touch: /file: Read-only file system',
      'touch: /file: Read-only file system',
      'open',
      'touch: /proc/sys/vm/swappiness: Read-only file system',
      '',
    ].join('\n'),
  );
  assert.deepEqual(
    readdirSync(from),
    ['sub'].filter(() => existsSync(join(from, 'sub'))),
  );
});

test('the old root is gone: it is neither mounted, nor the root or directory of any process', { skip }, async () => {
  await using created = await host.create('old', shellConfig('sleep 100'));
  for (const state of ['created', 'running']) {
    const rootfs = statSync(join(created.bundle, 'rootfs'));
    for (const link of ['root', 'cwd']) {
      const { ino, dev } = statSync(`/proc/${created.pid}/${link}`);
      assert.deepEqual([ino, dev], [rootfs.ino, rootfs.dev], `${link}, ${state}`);
    }
    assert.equal(
      readlinkSync(`/proc/${created.pid}/cwd`).endsWith('/rootfs') || readlinkSync(`/proc/${created.pid}/cwd`) === '/',
      true,
    );
    assert.equal(mountsOf(created.pid).filter(({ point }) => point === '/').length, 1);
    if (state === 'created') await created.container.start();
  }
});

test('climbing up from the root stays there', { skip }, async () => {
  const script = 'cd /; cd ../../..; pwd -P; ls -d ../../../bin; stat -c %i / /.. /../..';
  const { output } = await host.run('climb', shellConfig(script));
  const [cwd, listed, ...inodes] = output.trim().split('\n');
  assert.deepEqual([cwd, listed], ['/', '../../../bin']);
  assert.equal(new Set(inodes).size, 1);
});

test('without pivot_root the host’s procfs and sysfs are not reachable any more', { skip }, async () => {
  const before = hostMounts(host.path).map(({ line }) => line);
  const script = 'ls -d /bin; cd ../../..; ls -d bin; grep -c . /proc/self/mountinfo; touch /x; ls -d /proc/1';
  await using created = await host.create('nopivot', shellConfig(script), { noPivot: true });
  const lines = mountsOf(created.pid);
  assert.equal(topMount(created.pid, '/')?.root.endsWith('/rootfs'), true);
  assert.equal(
    lines.filter(({ type }) => type === 'proc').every(({ point }) => point.startsWith('/proc')),
    true,
  );
  assert.equal(await created.finish(), 0, created.output());
  assert.match(created.output(), /^\/bin\nbin\n\d+\ntouch: \/x: Read-only file system\n\/proc\/1\n$/);
  assert.deepEqual(
    hostMounts(host.path).map(({ line }) => line),
    before,
  );
});

test('a container whose rootfs is on a shared mount propagates nothing to the host', { skip }, async () => {
  const before = hostMounts(host.path).map(({ line }) => line);
  // In a mount namespace of its own, whose root is shared as systemd makes it.
  const library = JSON.stringify(join(import.meta.dirname, '../../library/index.ts'));
  const bundle = host.bundle('shared', shellConfig('true'));
  for (const noPivot of [false, true]) {
    const script = `const { openRuntime } = await import(${library});
      const { readFileSync } = await import('node:fs');
      const look = () => readFileSync('/proc/self/mountinfo', 'utf8');
      const before = look();
      const container = await openRuntime({ root: ${JSON.stringify(join(host.path, 'state'))} }).create({ id: ${JSON.stringify(host.idOf('shared'))}, bundle: ${JSON.stringify(bundle)}, noPivot: ${noPivot} });
      const { pid } = await container.state();
      const inside = readFileSync('/proc/' + pid + '/mountinfo', 'utf8');
      await container.start(); await container.wait();
      await container.delete();
      console.log(before === look(), / master:/.test(inside.split('\\n')[0]), / shared:/.test(inside));`;
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--propagation', 'shared', process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    assert.equal(stdout, 'true true false\n', stderr);
  }
  assert.deepEqual(
    hostMounts(host.path).map(({ line }) => line),
    before,
  );
});

test('the root has the propagation of the config, and the container’s own mounts stay off the host', { skip }, () => {
  const library = JSON.stringify(join(import.meta.dirname, '../../library/index.ts'));
  const config = shellConfig('true');
  const expected = {
    shared: 'true shared',
    rshared: 'true shared',
    slave: 'true master',
    rslave: 'true master',
    private: 'true ',
    rprivate: 'true ',
    unbindable: 'true unbindable',
    runbindable: 'true unbindable everywhere',
    '': 'true master',
  };
  for (const [rootfsPropagation, told] of Object.entries(expected)) {
    const bundle = host.bundle('propagation', config);
    writeConfig(bundle, { ...config, linux: { ...config.linux, rootfsPropagation } });
    const script = `const { openRuntime } = await import(${library});
      const { readFileSync } = await import('node:fs');
      const look = () => readFileSync('/proc/self/mountinfo', 'utf8');
      const before = look();
      const container = await openRuntime({ root: ${JSON.stringify(join(host.path, 'state'))} }).create({ id: ${JSON.stringify(host.idOf('propagation'))}, bundle: ${JSON.stringify(bundle)} });
      const { pid } = await container.state();
      const lines = readFileSync('/proc/' + pid + '/mountinfo', 'utf8').trim().split('\\n');
      const [root] = lines;
      const during = before === look();
      await container.delete({ force: true });
      console.log(during && before === look(), root.split(' - ')[0].split(' ').slice(6).map((tag) => tag.replace(/:.*/, '')).join()
        + (lines.every((line) => / unbindable - /.test(line)) ? ' everywhere' : ''));`;
    const { stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--propagation', 'shared', process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    assert.equal(stdout, `${told}\n`, `${rootfsPropagation}: ${stderr}`);
  }
});

/** What a mount table says, without what is another one's each time. */
function comparable(pid: number, replace: readonly (readonly [string, string])[]): Map<string, string> {
  const table = new Map<string, string>();
  for (const { root, point, options, optional, type, source, superOptions } of mountsOf(pid)) {
    const own = replace.reduce((text, [from, to]) => text.replace(from, to), root);
    table.set(
      point,
      [
        own,
        options.join(),
        optional.map((one) => one.replace(/\d+/, 'N')).join(),
        type,
        source,
        superOptions.toSorted().join(),
      ].join(' '),
    );
  }
  return table;
}

/** Where we differ from runc 1.1, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  // It asks for `ro`, and runc closes it too, but loses that where it remounts it in the same place.
  '/sys/fs/cgroup': 'read-only as the config says',
};

test('the mounts are those that runc makes of the same bundle', { skip: skip || runcMissing() }, async () => {
  const from = join(host.path, 'side');
  mkdirSync(from, { recursive: true });
  writeFileSync(join(from, 'file'), '');
  const config = shellConfig('true');
  const more: Mount[] = [
    { destination: '/data', source: from, type: 'bind', options: ['rbind', 'ro', 'nosuid', 'noexec'] },
    { destination: '/shared', source: from, type: 'bind', options: ['bind', 'rprivate', 'noatime'] },
    { destination: '/etc/hosts', source: join(from, 'file'), type: 'bind', options: ['bind', 'ro'] },
    { destination: '/run', source: 'tmpfs', type: 'tmpfs', options: ['nosuid', 'nodev', 'mode=755', 'size=1m'] },
    { destination: '/closed', source: 'tmpfs', type: 'tmpfs', options: ['ro', 'strictatime', 'mode=755'] },
    { destination: '/sys/fs/bpf', source: 'bpf', type: 'bpf', options: ['nosuid', 'nodiratime'] },
  ].filter(({ type }) => type !== 'bpf' || readFileSync('/proc/filesystems', 'utf8').includes('\tbpf\n'));
  const mounts = [...(config.mounts ?? []), ...more];
  const bundle = host.bundle('side', { ...config, mounts });
  await using ours = await host.create('side', { ...config, mounts }, { bundle });
  const theirs = host.idOf('side-runc');
  const root = join(host.path, 'runc');
  const pidFile = join(host.path, 'runc.pid');
  execFileSync('runc', ['--root', root, 'create', '--bundle', bundle, '--pid-file', pidFile, theirs], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    const expected = comparable(pid, [
      [theirs, 'ID'],
      [bundle, 'BUNDLE'],
    ]);
    const found = comparable(ours.pid, [
      [ours.id, 'ID'],
      [bundle, 'BUNDLE'],
    ]);
    const differences = [...new Set([...expected.keys(), ...found.keys()])].filter(
      (point) => expected.get(point) !== found.get(point),
    );
    assert.deepEqual(
      differences
        .filter((point) => !(point in ALLOWED))
        .map((point) => ({ point, runc: expected.get(point), runchart: found.get(point) })),
      [],
    );
    const described = (one: number, path: string) => {
      const { mode, uid, gid, rdev } = statSync(seenBy(one, path));
      return [path, mode.toString(8), uid, gid, rdev];
    };
    const paths = [
      '/',
      '/dev',
      '/dev/null',
      '/dev/tty',
      '/dev/pts',
      '/dev/shm',
      '/dev/mqueue',
      '/data',
      '/etc/hosts',
      '/closed',
      '/run',
    ];
    assert.deepEqual(
      paths.map((path) => described(ours.pid, path)),
      paths.map((path) => described(pid, path)),
    );
    assert.deepEqual(readdirSync(seenBy(ours.pid, '/dev')).toSorted(), readdirSync(seenBy(pid, '/dev')).toSorted());
    assert.deepEqual(
      readdirSync(seenBy(ours.pid, '/sys/fs/cgroup')).toSorted(),
      readdirSync(seenBy(pid, '/sys/fs/cgroup')).toSorted(),
    );
  } finally {
    execFileSync('runc', ['--root', root, 'delete', '--force', theirs]);
    // Its init is nobody's child any more, and takes a moment to go.
    await remainsAtLast(theirs, host.path);
  }
});

test('the process is the one that runc makes of the same bundle', { skip: skip || runcMissing() }, async () => {
  const script =
    'grep -E "^(Umask|Uid|Gid|Groups|NoNewPrivs|Seccomp|Cap|Sig[BI]|Threads)" /proc/self/status; cat /proc/self/limits; env | sort; pwd; umask; ls /proc/self/fd | wc -l; hostname; cat /proc/self/oom_score_adj';
  const config = shellConfig(script);
  const user = { uid: 7, gid: 8, additionalGids: [9, 10] };
  const full = { ...config, process: { ...config.process, user, env: ['PATH=/bin', 'B=1', 'A=2', 'B=3'] } };
  const bundle = host.bundle('process', full);
  const ours = await host.run('process', full, { bundle });
  const id = host.idOf('process-runc');
  const root = join(host.path, 'runc');
  const theirs = execFileSync('runc', ['--root', root, 'run', '--bundle', bundle, id], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.equal(ours.output, theirs);
  assert.match(ours.output, new RegExp(proc(process.pid, 'oom_score_adj').trim()));
});

function runcMissing(): string | false {
  return spawnSync('runc', ['--version']).status === 0 ? false : 'runc is not installed';
}
