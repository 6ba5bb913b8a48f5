/**
 * `--systemd-cgroup` on a host without systemd. cgroups-systemd-real.test.ts tests the effects with systemd, and
 * cgroups-systemd.test.ts with a double of it.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openRuntime } from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';

const work = workFolder('systemd');
after(() => work.remove());

const skip = noContainers || (existsSync('/run/systemd/system') ? 'this host runs systemd' : false);

test('without systemd it is refused in one line, and leaves nothing', { skip }, async () => {
  const root = join(work.path, 'state');
  const runtime = openRuntime({ root, systemdCgroup: true });
  const bundle = makeBundle(join(work.path, 'bundle'), shellConfig('true'));
  const id = `runchart-test-${process.pid}-systemd`;
  await assert.rejects(runtime.create({ id, bundle }), {
    message: 'unable to start container process: systemd not running on this host, cannot use systemd cgroups manager',
  });
  assert.deepEqual(readdirSync(root), []);
});
