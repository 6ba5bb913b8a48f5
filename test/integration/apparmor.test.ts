/** AppArmor profiles: the kernel's word for who is confined by what, and that it does confine. */

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Process } from '../../spec/types.ts';
import { noContainers } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { proc } from './containers.ts';
import { lives, resting, until } from './lives.ts';
import { appArmor, confinementOf, loadProfile, noProfiles, removeProfile } from './profiles.ts';

describe('a profile on a host without AppArmor', {
  skip: noContainers || (appArmor && 'this host has AppArmor'),
}, () => {
  const host = lives('no-apparmor');
  const { runchart } = host;
  after(() => host.close());
  const words = (name: string) =>
    `unable to apply apparmor profile: apparmor failed to apply profile "${name}": AppArmor is not enabled on ` +
    'this host';

  it('fails create, and leaves nothing', () => {
    const id = host.idFor(runchart);
    const config = resting();
    const asked = { ...config, process: { ...config.process, apparmorProfile: 'docker-default' } };
    const ended = runchart('create', '--bundle', host.bundle(id, asked), id);
    assert.equal(ended.status, 1);
    assert.ok(messageOf(ended).endsWith(words('docker-default')), messageOf(ended));
    assert.match(messageOf(runchart('state', id)), /does not exist/);
  });

  it('fails exec, by flag or process.json, and starts nothing', () => {
    const { id } = host.start(resting());
    const file = join(host.path, 'process.json');
    writeFileSync(file, JSON.stringify({ args: ['/bin/true'], cwd: '/', apparmorProfile: 'p' }));
    for (const ended of [runchart('exec', '--apparmor', 'p', id, 'true'), runchart('exec', '--process', file, id)]) {
      assert.equal(ended.status, 255);
      assert.ok(messageOf(ended).endsWith(words('p')), messageOf(ended));
    }
    assert.equal(JSON.parse(runchart('ps', '-f', 'json', id).stdout).length, 1);
  });

  it('is nothing where it is empty', () => {
    const config = resting();
    const { id } = host.start({ ...config, process: { ...config.process, apparmorProfile: '', selinuxLabel: '' } });
    assert.equal(runchart('exec', '--apparmor', '', '--process-label', '', id, 'true').status, 0);
  });
});

describe('a label on a host without SELinux', {
  skip: noContainers || (existsSync('/sys/fs/selinux/enforce') && 'this host has SELinux'),
}, () => {
  const host = lives('no-selinux');
  const { runchart } = host;
  after(() => host.close());
  const words = /selinux label is specified in config, but selinux is disabled or not supported$/;

  it('fails create and exec in runc’s words', () => {
    const id = host.idFor(runchart);
    const config = resting();
    const asked = { ...config, process: { ...config.process, selinuxLabel: 'system_u:system_r:container_t:s0' } };
    const ended = runchart('run', '--bundle', host.bundle(id, asked), id);
    assert.match(messageOf(ended), words);
    assert.match(messageOf(runchart('state', id)), /does not exist/);
    const other = host.start(resting());
    assert.match(messageOf(runchart('exec', '--process-label', 'u:r:t:s0', other.id, 'true')), words);
  });
});

describe('AppArmor', { skip: noContainers || noProfiles }, () => {
  const host = noContainers || noProfiles ? undefined : lives('apparmor');
  const names = [`runchart-test-${process.pid}-a`, `runchart-test-${process.pid}-b`] as const;
  const [first, second] = names;
  const file = (name: string): string => join(host?.path ?? '', name);
  if (host !== undefined) {
    loadProfile(host.path, first, '/dev/zero');
    loadProfile(host.path, second, '/dev/full');
  }
  after(async () => {
    await host?.close();
    if (host !== undefined) for (const name of names) removeProfile(name);
  });

  function configWith(changes: Partial<Process>): ReturnType<typeof resting> {
    const config = resting();
    return { ...config, process: { ...config.process, ...changes } };
  }

  for (const noNewPrivileges of [true, false])
    it(`confines the container's process and what exec adds, with no_new_privs ${noNewPrivileges}`, async () => {
      if (host === undefined) return;
      const { runchart } = host;
      const { id, pid } = host.start(configWith({ apparmorProfile: first, noNewPrivileges }));
      await until('the program is executed', () => proc(pid, 'cmdline').startsWith('sleep'));
      assert.equal(confinementOf(pid), `${first} (enforce)`);
      const current = 'cat /proc/self/attr/apparmor/current /proc/self/attr/current 2>/dev/null | head -1';
      assert.equal(runchart('exec', id, 'sh', '-c', current).stdout, `${first} (enforce)\n`);
      const denied = runchart('exec', id, 'head', '-c', '1', '/dev/zero');
      assert.notEqual(denied.status, 0);
      assert.match(denied.stderr, /Permission denied/);
      assert.equal(runchart('exec', id, 'head', '-c', '1', '/dev/full').stdout, '\0');
      // Another profile, by flag and by process.json.
      assert.equal(runchart('exec', '--apparmor', second, id, 'sh', '-c', current).stdout, `${second} (enforce)\n`);
      const asked = file('process.json');
      writeFileSync(asked, JSON.stringify({ args: ['/bin/sh', '-c', current], cwd: '/', apparmorProfile: second }));
      assert.equal(runchart('exec', '--process', asked, id).stdout, `${second} (enforce)\n`);
      // One that says nothing of it is confined as the container is.
      writeFileSync(asked, JSON.stringify({ args: ['/bin/sh', '-c', current], cwd: '/' }));
      assert.equal(runchart('exec', '--process', asked, id).stdout, `${first} (enforce)\n`);
    });

  it('confines in a user namespace, whose /proc has masks on it', async () => {
    if (host === undefined) return;
    const mapping = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    const config = configWith({ apparmorProfile: first });
    const namespaces = [...(config.linux?.namespaces ?? []), { type: 'user' as const }];
    const linux = { ...config.linux, namespaces, uidMappings: mapping, gidMappings: mapping };
    const { id, pid } = host.start({ ...config, linux });
    await until('the program is executed', () => proc(pid, 'cmdline').startsWith('sleep'));
    assert.equal(confinementOf(pid), `${first} (enforce)`);
    const { stdout } = host.runchart('exec', id, 'cat', '/proc/self/attr/current');
    assert.equal(stdout, `${first} (enforce)\n`);
  });

  it('fails create, and exec, where no such profile is loaded', () => {
    if (host === undefined) return;
    const { runchart } = host;
    const id = host.idFor(runchart);
    const missing = configWith({ apparmorProfile: 'runchart-test-no-such-profile' });
    const ended = runchart('create', '--bundle', host.bundle(id, missing), id);
    assert.equal(ended.status, 1);
    const words = /apparmor failed to apply profile "runchart-test-no-such-profile": no such profile is loaded$/;
    assert.match(messageOf(ended), words);
    assert.match(messageOf(runchart('state', id)), /does not exist/);
    const other = host.start(resting());
    assert.match(messageOf(runchart('exec', '--apparmor', 'runchart-test-no-such-profile', other.id, 'true')), words);
  });

  it('leaves the runtime, and a container without a profile, unconfined', async () => {
    if (host === undefined) return;
    const { pid } = host.start(resting());
    assert.equal(confinementOf(pid), confinementOf(process.pid));
  });
});
