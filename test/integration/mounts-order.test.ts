/** Binds whose source is in the rootfs, where an earlier mount of the same container put it. */

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Config, IDMapping, Mount } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { containers } from './containers.ts';

const host = containers('mounts-order');
after(() => host.close());

const MAPPINGS: IDMapping[] = [{ containerID: 0, hostID: 100_000, size: 65_536 }];

interface Kind {
  readonly userns: boolean;
  readonly idmap: boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'as root': { userns: false, idmap: false },
  'in a user namespace': { userns: true, idmap: false },
  'id-mapped': { userns: false, idmap: true },
  'id-mapped in a user namespace': { userns: true, idmap: true },
};

function withMounts(script: string, mounts: readonly Mount[], { userns }: Kind): Config {
  const config = shellConfig(script);
  const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
  return {
    ...config,
    mounts: [...(config.mounts ?? []), ...mounts],
    linux: { ...config.linux, ...(userns ? { namespaces, uidMappings: MAPPINGS, gidMappings: MAPPINGS } : {}) },
  };
}

const bind = (source: string, destination: string, { idmap }: Kind = { userns: false, idmap: false }): Mount => ({
  source,
  destination,
  options: ['rbind', 'rprivate'],
  ...(idmap ? { uidMappings: MAPPINGS, gidMappings: MAPPINGS } : {}),
});

/** A folder that only the host's root may enter, with folders and links to them. */
function sources(name: string): string {
  const path = join(host.path, name);
  for (const deep of ['a/x', 'b/y', 'c/z']) {
    mkdirSync(join(path, deep), { recursive: true });
    writeFileSync(join(path, deep, 'file'), `${deep}\n`);
    symlinkSync(deep[0] ?? '', join(path, `link-${deep[0]}`));
  }
  chmodSync(path, 0o700);
  return path;
}

/** Creates the container in the bundle that its mounts name. */
async function run(name: string, kind: Kind, script: string, mounts: (rootfs: string) => readonly Mount[]) {
  const bundle = host.bundle(name, shellConfig(''), (rootfs) => {
    for (const folder of ['mnt', 'final']) mkdirSync(join(rootfs, folder));
    if (kind.userns)
      for (const path of [rootfs, ...readdirSync(rootfs).map((one) => join(rootfs, one))])
        chownSync(path, 100_000, 100_000);
  });
  return host.run(name, withMounts(script, mounts(join(bundle, 'rootfs')), kind), { bundle });
}

for (const [title, kind] of Object.entries(KINDS))
  suite(`a source in the rootfs, ${title}`, { skip: noContainers }, () => {
    test('is what the mounts before have made of it', async () => {
      const from = sources(`tree-${title}`);
      const { output, status } = await run('tree', kind, 'cat /final/x/y/z/z/x/y/z/x/file', (rootfs) => [
        bind(join(from, 'a'), '/mnt'),
        bind(join(from, 'link-b'), '/mnt/x'),
        bind(join(from, 'c'), '/mnt/x/y'),
        bind(join(from, 'link-a'), '/mnt/x/y/z'),
        bind(`${rootfs}/mnt/x`, `${rootfs}/mnt/x/y/z/x`, kind),
        bind(`${rootfs}/mnt/x/y`, `${rootfs}/mnt/x/y/z`, kind),
        bind(`${rootfs}/mnt`, `${rootfs}/final`, kind),
      ]);
      assert.deepEqual([output, status], ['a/x\n', 0]);
    });

    test('may be a file that is there by then, and leads nowhere but inside', async () => {
      const from = sources(`file-${title}`);
      const secret = join(host.path, 'secret');
      writeFileSync(secret, 'of the host\n');
      symlinkSync(secret, join(from, 'a/link'));
      const mounts = (name: string) => (rootfs: string) => [
        bind(join(from, 'a'), '/mnt'),
        bind(`${rootfs}/mnt/${name}`, '/final/file', kind),
      ];
      const { output } = await run('file', kind, 'cat /final/file', mounts('x/file'));
      assert.equal(output, 'a/x\n');
      await assert.rejects(
        run('link', kind, 'cat /final/file', mounts('link')),
        /^OperationError: unable to start container process: bind .*\/mnt\/link on \/final\/file: ENOENT/,
      );
    });
  });
