/** What a restored container is confined by. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { checkpoints, counting, countOf, noCriu } from './criu.ts';
import { until } from './lives.ts';
import { confinementOf, loadProfile, noProfiles, removeProfile } from './profiles.ts';

const skip = noContainers || noProfiles || noCriu();

describe('checkpoint and restore under AppArmor', { skip }, () => {
  const { host, well, images, pidOf, started } = checkpoints('criu-labels');
  const { runchart } = host;
  const [own, other] = [`runchart-test-${process.pid}-own`, `runchart-test-${process.pid}-other`];
  after(async () => {
    await host.close();
    for (const name of [own, other]) removeProfile(name);
  });

  it('the profile of the images, or another one by --lsm-profile, that is loaded', async () => {
    loadProfile(host.path, own, '/dev/full');
    loadProfile(host.path, other, '/dev/zero');
    const config = counting();
    config.process = { ...config.process, apparmorProfile: own };
    const { id, bundle } = await started(config);
    assert.equal(confinementOf(pidOf(id)), `${own} (enforce)`);
    const restore = ['restore', '-d', '-b', bundle, '--image-path', images(id)];
    const goesOn = async () => {
      const count = countOf(bundle);
      await until('it counts again', () => countOf(bundle) > count);
    };

    well('checkpoint', '--image-path', images(id), id);
    const none = 'runchart-test-no-such-profile';
    assert.match(
      messageOf(runchart(...restore, '--lsm-profile', `apparmor:${none}`, id)),
      new RegExp(`apparmor failed to apply profile "${none}": no such profile is loaded$`),
    );
    assert.match(
      messageOf(runchart(...restore, '--lsm-profile', 'none', id)),
      /^criu failed: .*invalid argument none for --lsm-profile/,
    );
    assert.match(messageOf(runchart('state', id)), /^container does not exist: \S+ is not in \//);

    // A context is for mounts that have one, and there are none here.
    well(...restore, '--lsm-mount-context', 'system_u:object_r:container_file_t:s0', id);
    await goesOn();
    assert.equal(confinementOf(pidOf(id)), `${own} (enforce)`);
    well('delete', '--force', id);
    well(...restore, '--lsm-profile', `apparmor:${other}`, id);
    await goesOn();
    assert.equal(confinementOf(pidOf(id)), `${other} (enforce)`);
  });
});
