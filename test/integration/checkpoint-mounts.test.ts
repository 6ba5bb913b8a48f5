/** What a checkpointed container had mounted, and has again after a restore. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { checkpoints, counting, countOf, noCriu } from './criu.ts';
import { until } from './lives.ts';

const skip = noContainers || noCriu();

describe('checkpoint and restore of mounts', { skip }, () => {
  const { host, well, images, pidOf, inside, started, twice } = checkpoints('criu-mounts');
  const { runchart } = host;
  after(() => host.close());

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
      // A path that is relative to the bundle.
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
      // On another host there would be no mount points inside: they are made anew.
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
    const look =
      `cat /dev/shm/kept; for f in ${masked}; do [ -e $f ] && stat -c '%n %F %t:%T' $f; [ -d $f ] && ls $f; done; ` +
      'echo 1 2>&1 > /proc/sys/kernel/ostype; grep -c . /proc/mounts';
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
});
