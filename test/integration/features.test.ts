/** `features`: the schema, and what it must not claim. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unsupportedPaths } from '../../spec/unsupported.ts';
import { parseFeatures } from '../../spec/validate.ts';
import { noContainers, workFolder } from './bundle.ts';
import { commandLine, noRunc, RUNCHART } from './command-line.ts';

describe('features', { skip: noContainers }, () => {
  const work = workFolder('features');
  const { status, stdout } = commandLine(RUNCHART, work.path)('features');
  const theirs = noRunc ? '{}' : commandLine('runc', work.path, 'runc')('features').stdout;
  work.remove();

  it('follow the schema, and claim nothing that config.json is refused for', async () => {
    assert.equal(status, 0);
    const { linux = {}, mountOptions = [] } = await parseFeatures(stdout);
    const missing = unsupportedPaths();
    for (const type of linux.namespaces ?? []) assert.ok(!missing.includes(`linux.namespaces.${type}`), type);
    assert.equal(linux.apparmor?.enabled, !missing.includes('process.apparmorProfile'));
    assert.equal(linux.intelRdt?.enabled, !missing.includes('linux.intelRdt'));
    assert.equal(mountOptions.includes('idmap'), !missing.includes('mounts.options'));
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
