/** What the runtime reads of an image before its program runs: of real file systems alone. */

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { bind, mounting, writableShell } from './configs.ts';
import { containers } from './containers.ts';
import { lives } from './lives.ts';

const skip = noContainers;
const host = containers('passwd');
const running = lives('passwd');
after(async () => {
  await running.close();
  host.close();
});

/** A file of procfs that reads as a line of passwd(5), as far as the image is concerned. */
const TOLD = { path: '/proc/sys/kernel/domainname', text: 'x:x:0:0::/told/by/the/kernel:' };

/** Asks for HOME, which nobody has set. */
function homeless(script = 'echo $HOME') {
  const config = shellConfig(script);
  return { ...config, domainname: TOLD.text, process: { ...config.process, env: ['PATH=/bin'] } };
}

test('an /etc/passwd that leads to procfs is not read: not even /proc/kmsg would be', { skip }, async () => {
  const passwd: Readonly<Record<string, (rootfs: string) => void>> = {
    'a link': (rootfs) => symlinkSync(TOLD.path, join(rootfs, 'etc/passwd')),
    'a link that climbs': (rootfs) => symlinkSync(`../..${TOLD.path}`, join(rootfs, 'etc/passwd')),
    'a chain of links': (rootfs) => {
      symlinkSync('/kernel/domainname', join(rootfs, 'etc/passwd'));
      symlinkSync('/proc/sys/kernel', join(rootfs, 'kernel'));
    },
  };
  for (const [name, prepare] of Object.entries(passwd)) {
    const { output } = await host.run('told', homeless(`cat ${TOLD.path}; echo $HOME`), { prepare });
    assert.equal(output, `${TOLD.text}\n/\n`, name);
  }
  const life = running.start({
    ...homeless('ln -s /proc/sys/kernel/domainname /etc/passwd; while :; do sleep 1; done'),
    root: { path: 'rootfs', readonly: false },
  });
  const { status, stdout, stderr } = running.runchart('exec', life.id, 'sh', '-c', 'readlink /etc/passwd; echo $HOME');
  assert.deepEqual([status, stdout, stderr], [0, `${TOLD.path}\n/\n`, '']);
});

test('an /etc/passwd that is mounted, or links into a volume, is read like any other', { skip }, async () => {
  const users = Array.from({ length: 500 }, (_, i) => `user${i}:x:${1000 + i}:1000::/home/${i}:/bin/sh\n`).join('');
  const volume = join(host.path, 'volume');
  mkdirSync(volume);
  for (const before of ['', users]) {
    writeFileSync(join(volume, 'passwd'), `${before}root:x:0:0::/in/the/volume:/bin/sh\n`);
    const own = (rootfs: string) => writeFileSync(join(rootfs, 'etc/passwd'), '');
    const link = (rootfs: string) => symlinkSync('/volume/passwd', join(rootfs, 'etc/passwd'));
    for (const [mount, prepare] of [
      [bind('/etc/passwd', join(volume, 'passwd')), own],
      [bind('/volume', volume), link],
    ] as const) {
      const config = { ...mounting(homeless(), mount), root: { path: 'rootfs', readonly: false } };
      assert.equal((await host.run('mounted', config, { prepare })).output, '/in/the/volume\n', mount.destination);
    }
  }
});

test('tmpcopyup copies nothing of a file system of the kernel’s, where a link of the image leads to one', {
  skip,
}, async () => {
  const upper = { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup'] };
  const prepare = (rootfs: string) => symlinkSync('/sys/kernel', join(rootfs, 'data'));
  const config = writableShell('ls -A /sys/kernel | wc -l; grep -c " /sys/kernel tmpfs" /proc/mounts', upper);
  assert.equal((await host.run('copy', config, { prepare })).output, '0\n1\n');
  const nested = (rootfs: string) => {
    mkdirSync(join(rootfs, 'data/below'), { recursive: true });
    writeFileSync(join(rootfs, 'data/file'), '');
    rmSync(join(rootfs, 'sys'), { recursive: true });
    mkdirSync(join(rootfs, 'sys'));
  };
  const sysfs = { destination: '/data/below', type: 'sysfs', source: 'sysfs', options: ['ro'] };
  const below = writableShell('ls -A /data; ls -A /data/below | wc -l', sysfs, upper);
  assert.equal((await host.run('below', below, { prepare: nested })).output, 'below\nfile\n0\n');
});
