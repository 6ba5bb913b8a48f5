/** The container's /dev. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { containers, described, type ShellConfig, seenBy } from './containers.ts';

const skip = noContainers;
const host = containers('devices');
after(() => host.close());

const DEVICES = {
  null: 'c 1:3 666 0:0',
  zero: 'c 1:5 666 0:0',
  full: 'c 1:7 666 0:0',
  random: 'c 1:8 666 0:0',
  urandom: 'c 1:9 666 0:0',
  tty: 'c 5:0 666 0:0',
};

const LINKS = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
  ...(existsSync('/proc/kcore') ? { core: '/proc/kcore' } : {}),
};

/** Without the tmpfs on /dev, and what is mounted in it: the devices are made in the image's own. */
function onImage(script: string): ShellConfig {
  const config = shellConfig(script);
  const mounts = (config.mounts ?? []).filter(({ destination }) => !destination.startsWith('/dev'));
  return { ...config, mounts, root: { path: 'rootfs', readonly: false } };
}

function assertDefaults(pid: number): void {
  for (const [name, expected] of Object.entries(DEVICES))
    assert.equal(described(seenBy(pid, `/dev/${name}`)), expected, name);
  for (const [name, target] of Object.entries(LINKS))
    assert.equal(readlinkSync(seenBy(pid, `/dev/${name}`)), target, name);
}

test('the default devices and links are there, and nothing else', { skip }, async () => {
  await using created = await host.create('default', shellConfig(''));
  assertDefaults(created.pid);
  const expected = [...Object.keys(DEVICES), ...Object.keys(LINKS), 'pts', 'shm', 'mqueue'];
  assert.deepEqual(readdirSync(seenBy(created.pid, '/dev')).toSorted(), expected.toSorted());
});

test('they work, the creating process’s umask notwithstanding', { skip }, async () => {
  const before = process.umask(0o077);
  try {
    const script =
      'echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; (echo x > /dev/full) 2>&1; echo out >> /dev/stdout; exec 3<>/dev/ptmx && ls /dev/pts';
    await using created = await host.create('work', shellConfig(script));
    assertDefaults(created.pid);
    assert.equal(described(seenBy(created.pid, '/dev')), 'd 755 0:0');
    assert.equal(await created.finish(), 0);
    assert.match(created.output(), /^3\n3\nsh: write error: No space left on device\nout\n0\nptmx\n$/);
  } finally {
    process.umask(before);
  }
});

test('a program of another user can use them', { skip }, async () => {
  const config = shellConfig('echo x > /dev/null && head -c 1 /dev/urandom > /dev/null && echo fine');
  const user = { uid: 1000, gid: 1000 };
  assert.equal((await host.run('user', { ...config, process: { ...config.process, user } })).output, 'fine\n');
});

test('in the image’s own /dev they are made, and other things stay', { skip }, async () => {
  const bundle = host.bundle('image', onImage(''), (rootfs) => writeFileSync(join(rootfs, 'dev/mine'), ''));
  for (let i = 0; i < 2; i++) {
    await using created = await host.create('image', onImage(''), { bundle });
    assertDefaults(created.pid);
    assert.equal(lstatSync(seenBy(created.pid, '/dev/mine')).isFile(), true);
  }
});

test('what an image puts in their place is replaced', { skip }, async () => {
  await using created = await host.create('replaced', onImage(''), {
    prepare(rootfs) {
      const dev = (name: string) => join(rootfs, 'dev', name);
      writeFileSync(dev('null'), 'not null');
      symlinkSync('/etc/passwd', dev('zero'));
      execFileSync('mkfifo', [dev('full')]);
      execFileSync('mknod', ['-m', '600', dev('random'), 'c', '1', '8']);
      execFileSync('mknod', ['-m', '666', dev('urandom'), 'c', '1', '5']);
      writeFileSync(dev('stdin'), '');
      symlinkSync('/elsewhere', dev('fd'));
    },
  });
  assertDefaults(created.pid);
});

test('devices of the config are made with their type, permissions and owner, instead of a default one too', {
  skip,
}, async () => {
  const devices = [
    { path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o20640, uid: 7, gid: 8 },
    { path: '/dev/below/disk', type: 'b', major: 7, minor: 300 },
    { path: '/dev/fifo', type: 'p', fileMode: 0o600 },
    { path: '/opt/null', type: 'u', major: 1, minor: 3 },
    { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o620, gid: 5 },
    { path: '/dev/ptmx', type: 'c', major: 5, minor: 2 },
  ];
  for (const config of [shellConfig(''), onImage('')]) {
    await using created = await host.create(
      'configured',
      { ...config, root: { path: 'rootfs' }, linux: { ...config.linux, devices } },
      {
        prepare(rootfs) {
          mkdirSync(join(rootfs, 'opt'));
          writeFileSync(join(rootfs, 'opt/null'), 'an image’s own');
          symlinkSync('/etc/passwd', join(rootfs, 'dev/fuse'));
        },
      },
    );
    const told = (path: string) => described(seenBy(created.pid, path));
    assert.equal(told('/dev/fuse'), 'c 10:229 640 7:8');
    assert.match(told('/dev/below/disk'), /^b .* 666 0:0$/);
    assert.equal(told('/dev/fifo'), 'p 600 0:0');
    assert.equal(told('/opt/null'), 'c 1:3 666 0:0');
    assert.equal(told('/dev/tty'), 'c 5:0 620 0:5');
    assert.equal(readlinkSync(seenBy(created.pid, '/dev/ptmx')), 'pts/ptmx');
  }
});

test('a directory in a device’s place is an error that names it', { skip }, async () => {
  const creation = host.create('directory', onImage(''), { prepare: (rootfs) => mkdirSync(join(rootfs, 'dev/null')) });
  await assert.rejects(creation, {
    message: 'unable to start container process: replace /dev/null of the image: EISDIR: is a directory',
  });
});

test('a missing /dev is made', { skip }, async () => {
  await using created = await host.create('missing', onImage(''), {
    prepare: (rootfs) => execFileSync('rmdir', [join(rootfs, 'dev')]),
  });
  assertDefaults(created.pid);
});

test('a /dev that is bound from the host is left as it is', { skip }, async () => {
  const config = onImage('ls /dev');
  const { output } = await host.run(
    'bound',
    {
      ...config,
      mounts: [...(config.mounts ?? []), { destination: '/dev', source: 'dev', type: 'bind', options: ['bind'] }],
      linux: { ...config.linux, maskedPaths: [] },
    },
    {
      prepare(_, bundle) {
        mkdirSync(join(bundle, 'dev'));
        writeFileSync(join(bundle, 'dev/mine'), '');
      },
    },
  );
  assert.equal(output, 'mine\n');
});

test('a devtmpfs on /dev is the host’s own, whose devices stay', { skip }, async (t) => {
  if (!readFileSync('/proc/self/mountinfo', 'utf8').includes(' /dev rw,relatime - devtmpfs '))
    return t.skip('no devtmpfs on /dev');
  const config = onImage('');
  const mounts = [...(config.mounts ?? []), { destination: '/dev', source: 'devtmpfs', type: 'devtmpfs' }];
  const look = () =>
    Object.keys({ ...DEVICES, ptmx: 0 }).map((name) => {
      const { ino, mode, rdev } = lstatSync(join('/dev', name));
      return [name, ino, mode, rdev];
    });
  const before = look();
  // As with runc, missing links are made, and so on the host.
  const had = new Set(readdirSync('/dev'));
  t.after(() => {
    for (const name of readdirSync('/dev').filter((one) => one in LINKS && !had.has(one)))
      unlinkSync(join('/dev', name));
  });
  await using created = await host.create('devtmpfs', { ...config, mounts });
  assert.deepEqual(look(), before);
  assert.equal(described(seenBy(created.pid, '/dev/null')), DEVICES.null);
});
