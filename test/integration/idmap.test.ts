/** Id-mapped mounts: the owners that a container sees are not those on the disk. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Config, IDMapping, Mount } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers } from './containers.ts';

const skip = noContainers;
const host = containers('idmap');
after(() => host.close());

const CONTAINER: IDMapping[] = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const SHIFTED: IDMapping[] = [{ containerID: 0, hostID: 5000, size: 10 }];

/** A folder with a file of uid and gid 3, and another folder mounted in it. */
function volume(name: string): string {
  const path = join(host.path, name);
  mkdirSync(path);
  writeFileSync(join(path, 'file'), '');
  chownSync(join(path, 'file'), 3, 3);
  return path;
}

function withMount(script: string, mount: Mount, userNamespace: boolean): Config {
  const config = shellConfig(script);
  const mounts = [...(config.mounts ?? []), mount];
  if (!userNamespace) return { ...config, mounts };
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
  return { ...config, mounts, linux: { ...config.linux, namespaces, uidMappings: CONTAINER, gidMappings: CONTAINER } };
}

const prepare = (rootfs: string) => mkdirSync(join(rootfs, 'data'));
const bound = (source: string, options: string[], mappings?: IDMapping[]): Mount => ({
  destination: '/data',
  source,
  options: ['rbind', ...options],
  ...(mappings === undefined ? {} : { uidMappings: mappings, gidMappings: mappings }),
});

suite('an id-mapped mount', { skip }, () => {
  test('has its own mappings, without a user namespace', async () => {
    const source = volume('own');
    const config = withMount('stat -c %u:%g /data/file', bound(source, [], SHIFTED), false);
    const { output } = await host.run('own', config, { prepare });
    assert.equal(output, '5003:5003\n');
  });

  test("has the container's mappings: root inside is root on the disk", async () => {
    const source = volume('container');
    chownSync(source, 0, 0);
    const script = 'stat -c %u:%g /data/file; touch /data/new && stat -c %u:%g /data/new';
    const { output } = await host.run('container', withMount(script, bound(source, ['idmap']), true), { prepare });
    assert.equal(output, '3:3\n0:0\n');
    assert.equal(statSync(join(source, 'new')).uid, 0);
  });

  test("takes its own mappings in a user namespace, by the host's ids", async () => {
    const source = volume('both');
    const mappings = [{ containerID: 3, hostID: 100_007, size: 1 }];
    const config = withMount('stat -c %u:%g /data/file', bound(source, ['idmap'], mappings), true);
    const { output } = await host.run('both', config, { prepare });
    assert.equal(output, '7:7\n');
  });

  test('maps users and groups each by their own lines', async () => {
    const source = volume('lines');
    for (const [name, uid, gid] of [
      ['a', 0, 0],
      ['b', 1, 11],
      ['c', 12, 10],
    ] as const) {
      writeFileSync(join(source, name), '');
      chownSync(join(source, name), uid, gid);
    }
    const mount: Mount = {
      ...bound(source, []),
      uidMappings: [
        { containerID: 0, hostID: 7000, size: 2 },
        { containerID: 12, hostID: 500, size: 1 },
      ],
      gidMappings: [
        { containerID: 10, hostID: 8000, size: 2 },
        { containerID: 0, hostID: 900, size: 1 },
      ],
    };
    const config = withMount('stat -c %u:%g /data/a /data/b /data/c', mount, false);
    assert.equal((await host.run('lines', config, { prepare })).output, '7000:900\n7001:8001\n500:8000\n');
  });

  test('maps what is mounted below only where ridmap asks for it', async () => {
    const source = volume('recursive');
    const other = volume('other');
    mkdirSync(join(source, 'below'));
    execFileSync('mount', ['--bind', other, join(source, 'below')]);
    try {
      for (const [option, owner] of [
        ['idmap', '3:3'],
        ['ridmap', '5003:5003'],
      ] as const) {
        const config = withMount('stat -c %u:%g /data/file /data/below/file', bound(source, [option], SHIFTED), false);
        const { output } = await host.run(option, config, { prepare });
        assert.equal(output, `5003:5003\n${owner}\n`);
      }
    } finally {
      execFileSync('umount', [join(source, 'below')]);
    }
  });

  test('is refused with the reason where its file system cannot', async () => {
    const config = withMount('true', bound('/proc/sys', [], SHIFTED), false);
    await assert.rejects(
      host.run('unable', config, { prepare }),
      /bind \/proc\/sys on \/data: map its ids: EINVAL.*id-mapped/,
    );
  });
});
