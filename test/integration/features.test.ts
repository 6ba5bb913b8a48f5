/** `features`: the schema, and what it must not claim. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { memoryPolicyFlagSchema, memoryPolicyModeSchema } from '../../spec/config/linux/tuning.ts';
import { parseFeatures } from '../../spec/validate.ts';
import { noContainers, workFolder } from './bundle.ts';
import { commandLine, noRunc, RUNCHART } from './command-line.ts';

describe('features', { skip: noContainers }, () => {
  const work = workFolder('features');
  const { status, stdout } = commandLine(RUNCHART, work.path)('features');
  const theirs = noRunc ? '{}' : commandLine('runc', work.path, 'runc')('features').stdout;
  work.remove();

  it('follow the schema, and claim what the tests of each show', async () => {
    assert.equal(status, 0);
    const { linux = {}, mountOptions = [] } = await parseFeatures(stdout);
    for (const one of [linux.apparmor, linux.selinux, linux.netDevices, linux.mountExtensions?.idmap])
      assert.deepEqual(one, { enabled: true });
    assert.deepEqual(linux.intelRdt, { enabled: true, schemata: true, monitoring: true });
    assert.deepEqual(linux.memoryPolicy?.modes, memoryPolicyModeSchema.options.toSorted());
    assert.deepEqual(linux.memoryPolicy?.flags, memoryPolicyFlagSchema.options.toSorted());
    const kernel = readdirSync('/proc/self/ns').filter((name) => !name.endsWith('_for_children'));
    const names: Readonly<Record<string, string>> = { mnt: 'mount', net: 'network' };
    assert.deepEqual(linux.namespaces, kernel.map((name) => names[name] ?? name).toSorted());
    assert.ok(mountOptions.includes('idmap'));
  });

  it('have runc’s members, and what runc does there', { skip: noRunc }, () => {
    const [ours, its] = [JSON.parse(stdout), JSON.parse(theirs)];
    for (const name of Object.keys(its)) assert.ok(name in ours, name);
    assert.deepEqual(ours.hooks, its.hooks);
    assert.deepEqual(ours.linux.capabilities, its.linux.capabilities);
    for (const name of ['actions', 'operators'])
      for (const one of its.linux.seccomp[name]) assert.ok(ours.linux.seccomp[name].includes(one), one);
    for (const arch of its.linux.seccomp.archs) assert.ok(ours.linux.seccomp.archs.includes(arch), arch);
    // runc knows options that no file system of today has.
    const gone = ['acl', 'noacl'];
    for (const option of its.mountOptions)
      assert.ok(gone.includes(option) || ours.mountOptions.includes(option), option);
  });
});
