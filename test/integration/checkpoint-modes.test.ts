/** The images of a checkpoint hold a container's memory: whatever the umask, they are nobody else's. */

import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { counting, countOf, noCriu, provideCriu } from './criu.ts';
import { lives, until } from './lives.ts';
import { underUmask } from './under-umask.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

describe('under umask', { skip: noContainers || noCriu() }, () => {
  const host = lives('checkpoint-modes');
  const { runchart } = host;
  provideCriu(host.path);
  after(() => host.close());

  for (const mask of [0o000, 0o022, 0o077])
    it(`0${mask.toString(8)} images, logs and the restored container's state are nobody else's`, async () => {
      const well = (...argv: string[]) =>
        assert.deepEqual(
          underUmask(mask, () => runchart(...argv)),
          { status: 0, stdout: '', stderr: '' },
        );
      const { id, bundle } = host.start(counting());
      await until('it counts', () => countOf(bundle) > 2);
      const [images, work] = ['images', 'work'].map((name) => join(host.path, `${id}.${name}`));
      if (images === undefined || work === undefined) return;
      well('checkpoint', '--image-path', images, '--work-path', work, id);
      assert.deepEqual([modeOf(images), modeOf(work)], ['700', '700']);
      const files = [images, work].flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
      assert.ok(files.includes(join(images, 'descriptors.json')));
      for (const file of files) assert.match(modeOf(file), /^6[04][04]$/, file);
      assert.equal(modeOf(join(images, 'descriptors.json')), '600');
      well('restore', '--detach', '--bundle', bundle, '--image-path', images, '--work-path', work, id);
      const directory = join(runchart.root, id);
      assert.equal(modeOf(directory), (0o711 & ~mask).toString(8));
      assert.deepEqual(readdirSync(directory), ['state.json']);
      assert.equal(modeOf(join(directory, 'state.json')), '600');
    });
});
