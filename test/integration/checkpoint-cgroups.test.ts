/** The cgroup of a checkpointed container, and its limits. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { checkpoints, counting, noCriu } from './criu.ts';

const skip = noContainers || noCriu();

/** On the host. */
function pidsLimitFile(cgroups: string): string {
  const [, v1] = /^\d+:pids:(.*)$/m.exec(cgroups) ?? [];
  const [, v2] = /^0::(.*)$/m.exec(cgroups) ?? [];
  return v1 === undefined ? `/sys/fs/cgroup${v2}/pids.max` : `/sys/fs/cgroup/pids${v1}/pids.max`;
}

describe('checkpoint and restore in cgroups', { skip }, () => {
  const { host, well, images, pidOf, started, twice } = checkpoints('criu-cgroups');
  const { runchart } = host;
  after(() => host.close());

  for (const mode of ['soft', 'full', 'ignore'])
    it(`--manage-cgroups-mode ${mode}: limits and membership, as seen from inside too`, async () => {
      const config = counting();
      const others = (config.linux?.namespaces ?? []).filter(({ type }) => type !== 'cgroup');
      config.linux = {
        ...config.linux,
        namespaces: [...others, { type: 'cgroup' }],
        resources: { ...config.linux?.resources, pids: { limit: 77 } },
      };
      const life = await started(config);
      await twice(life, ['--manage-cgroups-mode', mode]);
      const cgroups = readFileSync(`/proc/${pidOf(life.id)}/cgroup`, 'utf8');
      assert.match(cgroups, new RegExp(`/${life.id}$`, 'm'));
      assert.equal(readFileSync(pidsLimitFile(cgroups), 'utf8'), '77\n');
      // The container's cgroup namespace begins at its cgroup, and so does what is mounted.
      const look = 'grep -e :pids: -e ^0: /proc/1/cgroup; cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max';
      assert.match(runchart('exec', life.id, 'sh', '-c', look).stdout, /^(\d+:pids:\/\n)?0::\/\n77\n$/);
    });

  it('--manage-cgroups-mode strict: CRIU refuses a cgroup that is there, as it is with runc', async () => {
    const { id, bundle } = await started(counting());
    well('checkpoint', '--manage-cgroups-mode', 'strict', '--image-path', images(id), id);
    const ended = runchart(
      'restore',
      '-d',
      '--manage-cgroups-mode',
      'strict',
      '-b',
      bundle,
      '--image-path',
      images(id),
      id,
    );
    assert.match(messageOf(ended), /Abort restore of existing cgroups/);
    assert.match(messageOf(runchart('state', id)), /^container does not exist: \S+ is not in \//);
  });

  it('another cgroup, with --manage-cgroups-mode ignore', async () => {
    const life = await started(counting());
    const { id, bundle } = life;
    well('checkpoint', '--manage-cgroups-mode', 'ignore', '--image-path', images(id), id);
    const other = host.idFor(runchart);
    well('restore', '-d', '--manage-cgroups-mode', 'ignore', '-b', bundle, '--image-path', images(id), other);
    assert.match(readFileSync(`/proc/${pidOf(other)}/cgroup`, 'utf8'), new RegExp(`/${other}$`, 'm'));
    assert.doesNotMatch(readFileSync(`/proc/${pidOf(other)}/cgroup`, 'utf8'), new RegExp(`/${id}$`, 'm'));
  });
});
