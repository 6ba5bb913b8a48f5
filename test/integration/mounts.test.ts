/** Mounts of real containers, as /proc/PID/mountinfo shows them. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Mount } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { mounting, writable } from './configs.ts';
import { containers, seenBy } from './containers.ts';
import { hostMounts, mountsOf, topMount } from './mountinfo.ts';

const skip = noContainers;
const host = containers('mounts');
after(() => host.close());

const shellMounting = (script: string, ...mounts: readonly Mount[]) => mounting(shellConfig(script), ...mounts);

/** A tree of the host's to bind: `file` and `sub/file`. */
function source(name: string): string {
  const path = join(host.path, name);
  mkdirSync(join(path, 'sub'), { recursive: true });
  writeFileSync(join(path, 'file'), 'content\n');
  writeFileSync(join(path, 'sub/file'), 'below\n');
  return path;
}

test('the default mounts are what the config says', { skip }, async () => {
  await using created = await host.create('default', shellConfig(''));
  const told = (path: string) => {
    const mount = topMount(created.pid, path);
    return mount && `${mount.type} ${mount.source} ${mount.options.join()} ${mount.superOptions.join()}`;
  };
  assert.equal(told('/proc'), 'proc proc rw,relatime rw');
  assert.equal(told('/dev'), 'tmpfs tmpfs rw,nosuid rw,size=65536k,mode=755');
  assert.equal(told('/dev/pts'), 'devpts devpts rw,nosuid,noexec,relatime rw,gid=5,mode=620,ptmxmode=666');
  assert.equal(told('/dev/shm'), 'tmpfs shm rw,nosuid,nodev,noexec,relatime rw,size=65536k');
  assert.equal(told('/dev/mqueue'), 'mqueue mqueue rw,nosuid,nodev,noexec,relatime rw');
  assert.equal(told('/sys'), 'sysfs sysfs ro,nosuid,nodev,noexec,relatime ro');
  assert.equal(statSync(seenBy(created.pid, '/dev/shm')).mode & 0o7777, 0o1777);
});

test('nothing of the host’s mounts is left, and the host sees none of the container’s', { skip }, async () => {
  const before = hostMounts(host.path).map(({ line }) => line);
  await using created = await host.create('alone', shellConfig('cat /proc/self/mountinfo'));
  const inside = mountsOf(created.pid);
  assert.equal(inside[0]?.point, '/');
  assert.equal(inside.filter(({ point }) => point === '/').length, 1);
  assert.ok(
    inside.every(({ point }) => /^\/(proc|dev|sys)?(\/|$)/.test(point)),
    inside.map(({ point }) => point).join(),
  );
  assert.deepEqual(
    hostMounts(host.path).map(({ line }) => line),
    before,
  );
});

test('a mounted proc shows the container’s own processes only', { skip }, async () => {
  const { output } = await host.run(
    'proc',
    shellConfig('ls -d /proc/[0-9]* | wc -l; xargs -0n1 </proc/1/cmdline | head -1'),
  );
  assert.match(output, /^[123]\nsh\n$/);
});

test('cgroups are read-only, and show the container’s own first', { skip }, async () => {
  const script =
    'for dir in /sys/fs/cgroup/*; do mkdir $dir/x 2>/dev/null && echo made $dir; done; mkdir /sys/fs/cgroup/y';
  const { output } = await host.run('cgroup', shellConfig(script));
  assert.match(output, /^mkdir: can't create directory '\/sys\/fs\/cgroup\/y': Read-only file system\n$/);
});

test('a directory is bound, with its own content', { skip }, async () => {
  const from = source('bound');
  const mount = { destination: '/mnt', source: from, type: 'bind', options: ['bind'] };
  const config = shellMounting('cat /mnt/file && echo more >> /mnt/file && echo new > /mnt/new', mount);
  assert.equal((await host.run('bind', config)).output, 'content\n');
  assert.equal(readFileSync(join(from, 'file'), 'utf8'), 'content\nmore\n');
  assert.equal(readFileSync(join(from, 'new'), 'utf8'), 'new\n');
});

test('a bind without a type, or with another one, is a bind by its option', { skip }, async () => {
  const from = source('typeless');
  for (const type of [undefined, 'none', 'ext4']) {
    const mount = { destination: '/mnt', source: from, options: ['rbind'], ...(type === undefined ? {} : { type }) };
    assert.equal((await host.run('typeless', shellMounting('cat /mnt/file', mount))).output, 'content\n');
  }
});

test('a relative source starts from the bundle', { skip }, async () => {
  const mount = { destination: '/mnt', source: 'data', type: 'bind', options: ['bind'] };
  const { output } = await host.run('relative', shellMounting('cat /mnt/x', mount), {
    prepare(_, bundle) {
      mkdirSync(join(bundle, 'data'));
      writeFileSync(join(bundle, 'data/x'), 'of the bundle\n');
    },
  });
  assert.equal(output, 'of the bundle\n');
});

test('attributes of a bind are its own, the source keeps its', { skip }, async () => {
  const from = source('attributes');
  const options = ['bind', 'ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime'];
  await using created = await host.create(
    'attributes',
    shellMounting('', { destination: '/mnt', source: from, type: 'bind', options }),
  );
  assert.equal(topMount(created.pid, '/mnt')?.options.join(), 'ro,nosuid,nodev,noexec,noatime,nodiratime');
  writeFileSync(join(from, 'file'), 'the host still writes\n');
});

test('a file is bound on a file that is made for it, parents included', { skip }, async () => {
  const from = join(source('file'), 'file');
  const config = shellMounting('cat /new/dir/file && stat -c "%F %a" /new/dir && stat -c %F /new/dir/file', {
    destination: '/new/dir/file',
    source: from,
    type: 'bind',
    options: ['bind', 'ro'],
  });
  const { output } = await host.run('file', config);
  assert.equal(output, 'content\ndirectory 755\nregular file\n');
});

test('a device, a fifo and a socket are bound like files', { skip }, async () => {
  const from = source('special');
  execFileSync('mkfifo', [join(from, 'fifo')]);
  const config = shellMounting(
    'stat -c %F /a /b; echo x > /a',
    { destination: '/a', source: '/dev/null', type: 'bind', options: ['bind'] },
    { destination: '/b', source: join(from, 'fifo'), type: 'bind', options: ['bind'] },
  );
  assert.equal((await host.run('special', config)).output, 'character special file\nfifo\n');
});

test('a missing destination is made, once, and stays', { skip }, async () => {
  const from = source('missing');
  const bundle = host.bundle('missing', shellConfig(''));
  const mount = { destination: '/not/there/yet', source: from, type: 'bind', options: ['bind'] };
  for (let i = 0; i < 2; i++)
    assert.equal(
      (await host.run('missing', shellMounting('cat /not/there/yet/file', mount), { bundle })).output,
      'content\n',
    );
  assert.deepEqual(readdirSync(join(bundle, 'rootfs/not/there')), ['yet']);
});

test('bind takes one mount, rbind what is mounted below too', { skip }, async () => {
  const from = source('tree');
  execFileSync('mount', ['-t', 'tmpfs', 'below', join(from, 'sub')]);
  try {
    writeFileSync(join(from, 'sub/mounted'), '');
    const list = async (...options: string[]) => {
      const mount = { destination: '/mnt', source: from, type: 'bind', options };
      return (
        await host.run(
          'tree',
          shellMounting('ls /mnt/sub; touch /mnt/sub/x && rm /mnt/sub/x; touch /mnt/x && rm /mnt/x', mount),
        )
      ).output;
    };
    assert.equal(await list('bind'), 'file\n');
    assert.equal(await list('rbind'), 'mounted\n');
    assert.equal(
      await list('rbind', 'ro'),
      'mounted\ntouch: /mnt/x: Read-only file system\n',
      'ro is of the mount itself',
    );
    assert.equal(
      await list('rbind', 'rro'),
      'mounted\ntouch: /mnt/sub/x: Read-only file system\ntouch: /mnt/x: Read-only file system\n',
    );
  } finally {
    execFileSync('umount', [join(from, 'sub')]);
  }
});

test('later mounts lie over earlier ones, in the order of the config', { skip }, async () => {
  const from = source('order');
  const config = shellMounting(
    'ls /mnt /mnt/sub',
    { destination: '/mnt', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/mnt', source: from, type: 'bind', options: ['bind'] },
    { destination: '/mnt/sub', type: 'tmpfs', source: 'tmpfs' },
  );
  assert.equal((await host.run('order', config)).output, '/mnt:\nfile\nsub\n\n/mnt/sub:\n');
});

test('a read-only tmpfs still takes the mount points of what is mounted in it', { skip }, async () => {
  const from = source('nested');
  const config = shellMounting(
    'cat /ro/made/file; touch /ro/x',
    { destination: '/ro', type: 'tmpfs', source: 'tmpfs', options: ['ro', 'mode=755'] },
    { destination: '/ro/made', source: from, type: 'bind', options: ['bind'] },
  );
  assert.equal((await host.run('nested', config)).output, 'content\ntouch: /ro/x: Read-only file system\n');
});

test('a read-only /dev has its devices nevertheless', { skip }, async () => {
  const config = shellConfig('echo > /dev/null; ls /dev/pts; touch /dev/x');
  const mounts = config.mounts?.map((mount) =>
    mount.destination === '/dev' ? { ...mount, options: [...(mount.options ?? []), 'ro'] } : mount,
  );
  const { output } = await host.run('rodev', { ...config, ...(mounts ? { mounts } : {}) });
  assert.equal(output, 'ptmx\ntouch: /dev/x: Read-only file system\n');
});

test('a destination below the rootfs’s own path is one in the rootfs', { skip }, async () => {
  const from = source('below');
  const config = shellMounting('');
  const bundle = host.bundle('below', config, (rootfs) => mkdirSync(join(rootfs, 'mnt')));
  const bind = (source: string, destination: string) => ({ source, destination, type: 'bind', options: ['rbind'] });
  const mounts = [
    ...(config.mounts ?? []),
    bind(from, '/mnt'),
    bind(join(bundle, 'rootfs/mnt/sub'), join(bundle, 'rootfs/final')),
  ];
  await using created = await host.create('below', { ...config, root: { path: 'rootfs' }, mounts }, { bundle });
  assert.equal(readFileSync(seenBy(created.pid, '/final/file'), 'utf8'), 'below\n');
});

test('a tmpfs takes the permissions of the directory that it covers, all bits, unless it is told others', {
  skip,
}, async () => {
  const tmpfs = (destination: string, ...options: string[]) => ({ destination, type: 'tmpfs', source: 't', options });
  await using created = await host.create(
    'mode',
    shellMounting(
      '',
      tmpfs('/tmp', 'nodev'),
      tmpfs('/tmp/new'),
      tmpfs('/opened'),
      tmpfs('/opened', 'mode=410'),
      tmpfs('/private'),
      tmpfs('/link'),
    ),
    {
      prepare: (rootfs) => {
        for (const name of ['opened', 'private']) mkdirSync(join(rootfs, name));
        chmodSync(join(rootfs, 'tmp'), 0o7777);
        chmodSync(join(rootfs, 'opened'), 0o710);
        chmodSync(join(rootfs, 'private'), 0o700);
        symlinkSync('/opened', join(rootfs, 'link'));
      },
    },
  );
  const told = (path: string) => (statSync(seenBy(created.pid, path)).mode & 0o7777).toString(8);
  assert.deepEqual(['/tmp', '/tmp/new', '/private', '/opened'].map(told), ['7777', '1777', '700', '410']);
});

test('tmpfs options reach the file system; one that it does not know is told by name', { skip }, async () => {
  const tmpfs = (options: string[]) => shellMounting('', { destination: '/t', type: 'tmpfs', source: 'name', options });
  await using created = await host.create(
    'tmpfs',
    tmpfs(['nosuid', 'size=64k', 'mode=1750', 'uid=7', 'gid=8', 'nr_inodes=100']),
  );
  const mount = topMount(created.pid, '/t');
  assert.equal(
    `${mount?.source} ${mount?.superOptions.join()}`,
    'name rw,size=64k,nr_inodes=100,mode=1750,uid=7,gid=8',
  );
  await assert.rejects(host.create('tmpfs', tmpfs(['nonsense'])), {
    message:
      /^unable to start container process: mount tmpfs on \/t: EINVAL: .* \(tmpfs: Unknown parameter 'nonsense'\)$/,
  });
});

test('what cannot be mounted is told in one line, with its place', { skip }, async () => {
  const attempts: readonly [Mount, RegExp][] = [
    [
      { destination: '/x', type: 'nosuchfs', source: 'x' },
      /^unable to start container process: mount nosuchfs on \/x: ENODEV/,
    ],
    [
      { destination: '/x', source: '/no/such', type: 'bind', options: ['bind'] },
      /^unable to start container process: bind \/no\/such on \/x: ENOENT/,
    ],
    [
      { destination: '/etc/file', source: host.path, type: 'bind', options: ['bind'] },
      /^unable to start container process: bind .* on \/etc\/file: ENOTDIR/,
    ],
  ];
  for (const [mount, message] of attempts)
    await assert.rejects(
      host.create('failing', shellMounting('', mount), {
        prepare: (rootfs) => writeFileSync(join(rootfs, 'etc/file'), ''),
      }),
      { message },
    );
});

test('a file that the bundle has where a directory is to be mounted is told', { skip }, async () => {
  const { promise } = {
    promise: host.create('notdir', shellMounting('', { destination: '/etc/passwd', type: 'tmpfs', source: 't' }), {
      prepare: (rootfs) => writeFileSync(join(rootfs, 'etc/passwd'), ''),
    }),
  };
  await assert.rejects(promise, {
    message: /^unable to start container process: mount tmpfs on \/etc\/passwd: ENOTDIR/,
  });
});

test('propagation: what the host mounts later in a slave is seen, what the container mounts is not', {
  skip,
}, async () => {
  const from = source('propagation');
  execFileSync('mount', ['--bind', '--make-shared', from, from]);
  try {
    const mount = { destination: '/mnt', source: from, type: 'bind', options: ['rbind', 'rslave'] };
    await using created = await host.create('propagation', shellMounting('', mount));
    assert.match(topMount(created.pid, '/mnt')?.optional.join() ?? '', /^master:\d+$/);
    execFileSync('mount', ['-t', 'tmpfs', 'later', join(from, 'sub')]);
    assert.equal(topMount(created.pid, '/mnt/sub')?.source, 'later');
    execFileSync('umount', [join(from, 'sub')]);
    assert.equal(topMount(created.pid, '/mnt/sub'), undefined);
  } finally {
    execFileSync('umount', [from]);
  }
});

test('a rootfs that is a mount point is one like any other, and so is one in a folder that is reached through a symlink', {
  skip,
}, async () => {
  const bundle = host.bundle('link', writable(shellConfig('echo here')), (rootfs, folder) => {
    symlinkSync('.', join(folder, 'link'));
    execFileSync('mount', ['--bind', rootfs, rootfs]);
  });
  try {
    const config = {
      ...shellConfig('echo here; cat /proc/self/mountinfo'),
      root: { path: 'link/rootfs', readonly: true },
    };
    const { output } = await host.run('link', config, { bundle });
    assert.match(output, /^here\n\d+ \d+ \S+ \S+ \/ ro/);
  } finally {
    execFileSync('umount', [join(bundle, 'rootfs')]);
  }
  assert.equal(existsSync(join(bundle, 'rootfs/bin/sh')), true);
});

test('nothing is mounted over procfs or in it, but procfs itself and what lxcfs emulates', { skip }, async () => {
  const from = source('proc');
  const bind = (destination: string, path: string): Mount => ({
    destination,
    source: path,
    type: 'bind',
    options: ['bind'],
  });
  const inside =
    /^unable to start container process: bind .* on (\S+): "\1" cannot be mounted because it is inside \/proc$/;
  const refused: readonly [Mount, RegExp][] = [
    [
      bind('/proc', from),
      /^unable to start container process: bind .* on \/proc: "\/proc" cannot be mounted because it is not of type proc$/,
    ],
    [
      { destination: '/proc', type: 'tmpfs', source: 't' },
      /^unable to start container process: mount tmpfs on \/proc: "\/proc" cannot be mounted/,
    ],
    [bind('/proc/self/attr', from), inside],
    [bind('/proc/1/net', from), inside],
    [bind('/proc/sys/kernel', from), inside],
    [bind('/proc/sys/kernel/core_pattern', join(from, 'file')), inside],
    [bind('/link', from), inside],
    [bind('/link/sys', from), inside],
  ];
  for (const [mount, message] of refused)
    await assert.rejects(
      host.create('proc', shellMounting('', mount), {
        prepare: (rootfs) => symlinkSync('/proc', join(rootfs, 'link')),
      }),
      { message },
    );
  const allowed = shellMounting(
    'cat /proc/uptime; ls -d /proc/1',
    bind('/proc/uptime', join(from, 'file')),
    bind('/proc', '/proc'),
  );
  assert.equal(
    (await host.run('proc', { ...allowed, mounts: allowed.mounts?.slice(0, -1) ?? [] })).output,
    'content\n/proc/1\n',
  );
  assert.match((await host.run('proc', allowed)).output, /^\d+\.\d+ \d+\.\d+\n\/proc\/1\n$/, 'the host’s own procfs');
});

test('proc and sysfs are mounted through no symlink', { skip }, async () => {
  for (const [name, type] of [
    ['proc', 'proc'],
    ['sys', 'sysfs'],
  ] as const)
    for (const target of ['/tmp', 'tmp', '../../tmp', '/missing', '/proc/self', 'etc/file'])
      await assert.rejects(
        host.create('symlink', shellConfig(''), {
          prepare(rootfs) {
            rmSync(join(rootfs, name), { recursive: true });
            symlinkSync(target, join(rootfs, name));
          },
        }),
        {
          message: `unable to start container process: mount ${type} on /${name}: ELOOP: too many levels of symbolic links (filesystem "${type}" must be mounted on ordinary directory)`,
        },
      );
});

test('without a mount namespace of its own a container’s mounts are the host’s, and go with it', { skip }, async () => {
  const config = shellMounting('grep -c . /proc/self/mountinfo; touch /x; ls /dev/pts');
  const namespaces = (config.linux?.namespaces ?? []).filter(({ type }) => type !== 'mount');
  const without = { ...config, linux: { ...config.linux, namespaces, maskedPaths: [], readonlyPaths: [] } };
  const look = () =>
    hostMounts(host.path).map(({ point, options, optional, source }) => [point, options, optional, source]);
  const before = look();
  const { output, status } = await host.run('without', without);
  assert.deepEqual([output.split('\n').slice(1), status], [['touch: /x: Read-only file system', 'ptmx', ''], 0]);
  assert.deepEqual(look(), before);

  const broken = { ...without, mounts: [...(without.mounts ?? []), { destination: '/x', type: 'nosuchfs' }] };
  await assert.rejects(host.create('without', broken), /ENODEV/);
  assert.deepEqual(look(), before, 'a failed creation');

  // A mount of the user's own on the rootfs stays.
  const bundle = host.bundle('without', without, (rootfs) => void execFileSync('mount', ['--bind', rootfs, rootfs]));
  try {
    const own = look();
    assert.equal((await host.run('without', without, { bundle })).status, 0);
    assert.deepEqual(look(), own);
  } finally {
    execFileSync('umount', [join(bundle, 'rootfs')]);
  }
});
