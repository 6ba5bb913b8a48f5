/** What CRIU is asked for, made of records and flags. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CheckpointOptions,
  dumpOptions,
  externalNamespaces,
  type RestoreOptions,
  restoreOptions,
} from '../../../effects/criu/options.ts';
import { profileOf } from '../../../effects/criu/restoration.ts';
import { cgroupRoots, inheritedPipes } from '../../../effects/criu/restore.ts';
import { numberOf, refuseNamespaces } from '../../../effects/criu/version.ts';
import { CLONE } from '../../../native/constants/process.ts';
import { encodeRequest } from '../../../native/criu/rpc.ts';
import { defaultConfig } from '../../../spec/default.ts';
import type { CgroupRecord, ContainerRecord } from '../../../spec/record.ts';
import type { Namespace } from '../../../spec/types.ts';

const V1: CgroupRecord = {
  layout: 'hybrid',
  driver: 'fs',
  paths: { freezer: '/sys/fs/cgroup/freezer/c', unified: '/u/c' },
};
const V2: CgroupRecord = { layout: 'v2', driver: 'fs', paths: { unified: '/sys/fs/cgroup/c' } };

function record(changes: Partial<ContainerRecord> = {}, namespaces?: readonly Namespace[]): ContainerRecord {
  const config = defaultConfig({ unifiedCgroups: false });
  return {
    id: 'c',
    bundle: '/b',
    root: '/r',
    ociVersion: '1.2.0',
    rootfs: '/b/rootfs',
    created: '',
    owner: 0,
    annotations: {},
    config: namespaces === undefined ? config : { ...config, linux: { ...config.linux, namespaces: [...namespaces] } },
    options: { noPivot: false, noNewKeyring: false, systemdCgroup: false, preserveFds: 0 },
    cgroup: V1,
    init: { pid: 42, startTime: '1' },
    begun: [],
    reached: 'running',
    leftovers: [],
    ...changes,
  };
}

const flags: CheckpointOptions = {
  imagePath: '/i',
  tcpEstablished: false,
  externalUnixSockets: false,
  shellJob: false,
  fileLocks: false,
  lazyPages: false,
  autoDedup: false,
  tcpSkipInFlight: false,
  linkRemap: false,
};
const facts = { version: 31_701, directories: { images: 7 }, external: [] };
const dumped = (one: ContainerRecord, options: Partial<CheckpointOptions> = {}, version = facts.version) =>
  dumpOptions(one, { leaveRunning: false }, { ...flags, ...options }, { ...facts, version });

describe('a dump', () => {
  it('is made of the init, which its cgroup freezes, and leaves the network namespace empty', () => {
    const options = dumped(record());
    assert.equal(options.pid, 42);
    assert.equal(options.root, '/b/rootfs');
    assert.equal(options.freezeCgroup, '/sys/fs/cgroup/freezer/c');
    assert.equal(options.emptyNamespaces, CLONE.NEWNET);
    assert.equal(options.leaveRunning, false);
    assert.equal(options.notifyScripts, true);
    assert.equal(options.orphanPtsMaster, true);
    assert.ok(!('workDirFd' in options) && !('parentImage' in options) && !('trackMemory' in options));
    encodeRequest({ type: 1, options });
  });

  it('freezes by cgroup v2 from CRIU 3.14 on', () => {
    assert.equal(dumped(record({ cgroup: V2 })).freezeCgroup, '/sys/fs/cgroup/c');
    assert.equal(dumped(record({ cgroup: V2 }), {}, 31_300).freezeCgroup, undefined);
  });

  it('gives the status descriptor to a CRIU that has no notification for it', () => {
    const lazy = { lazyPages: true, statusFd: 9 };
    assert.equal(dumped(record(), lazy, 31_400).statusFd, 9);
    assert.equal(dumped(record(), lazy, 31_500).statusFd, undefined);
    assert.equal(dumped(record(), { statusFd: 9 }, 31_400).statusFd, undefined);
  });

  it('tracks memory where there are images to compare with', () => {
    const { parentImage, trackMemory } = dumped(record(), { parentPath: '../first' });
    assert.deepEqual([parentImage, trackMemory], ['../first', true]);
  });

  it('has numbers for cgroups modes, and leaves the choice to CRIU where none is given', () => {
    const modes = [undefined, 'ignore', 'soft', 'full', 'strict'] as const;
    assert.deepEqual(
      modes.map((cgroupsMode) => dumped(record(), { cgroupsMode }).manageCgroupsMode),
      [6, 0, 3, 4, 5],
    );
  });

  it('names the container’s own settings file, or runc’s, or none', () => {
    const fileOf = (annotations: Record<string, string>) => dumped(record({ annotations })).configFile;
    assert.equal(fileOf({}), '/etc/criu/runc.conf');
    assert.equal(fileOf({ 'org.criu.config': '/own' }), '/own');
    assert.equal(fileOf({ 'org.criu.config': '' }), undefined);
  });
});

describe('a restore', () => {
  const restored = (one: ContainerRecord, more: Partial<RestoreOptions> = {}) =>
    restoreOptions(
      one,
      { ...flags, ...more },
      {
        directories: { images: 7, work: 8 },
        external: ['mnt[/a]:/b'],
        root: '/m',
        cgroupRoots: [],
        inheritFd: [],
      },
    );

  it('makes children of the caller, on a root of its own', () => {
    const options = restored(record());
    assert.equal(options.restoreAsSibling, true);
    assert.equal(options.root, '/m');
    assert.equal(options.workDirFd, 8);
    assert.deepEqual(options.external, ['mnt[/a]:/b']);
    assert.ok(!('pid' in options) && !('lsmProfile' in options) && !('lsmMountContext' in options));
  });

  it('sets other labels where flags ask for them', () => {
    const options = restored(record(), { lsmProfile: 'apparmor:a', lsmMountContext: 'u:r:t:s0' });
    assert.deepEqual([options.lsmProfile, options.lsmMountContext], ['apparmor:a', 'u:r:t:s0']);
  });

  it('needs the profile that a flag names, or else that of the config', () => {
    const config = { ociVersion: '1.0.2', process: { cwd: '/', apparmorProfile: 'own' } };
    assert.equal(profileOf({}, config), 'own');
    assert.equal(profileOf({}, { ociVersion: '1.0.2', process: { cwd: '/', apparmorProfile: '' } }), undefined);
    assert.equal(profileOf({}, { ociVersion: '1.0.2' }), undefined);
    assert.equal(profileOf({ lsmProfile: 'apparmor:a:b' }, config), 'a:b');
    assert.equal(profileOf({ lsmProfile: 'selinux:a:b' }, config), undefined);
    assert.equal(profileOf({ lsmProfile: 'apparmor:' }, config), undefined);
  });

  const joined = record({}, [
    { type: 'pid', path: '/p' },
    { type: 'network', path: '/n' },
    { type: 'ipc', path: '/i' },
    { type: 'uts' },
    { type: 'mount', path: '' },
  ]);

  it('joins namespaces by path, other than those that it is given descriptors of', () => {
    assert.deepEqual(restored(joined).joinNamespaces, [{ type: 'ipc', path: '/i' }]);
    assert.deepEqual(externalNamespaces(joined), [
      { name: 'pid', path: '/p', key: 'extRootPidNS' },
      { name: 'net', path: '/n', key: 'extRootNetNS' },
    ]);
    assert.deepEqual(externalNamespaces(record()), []);
  });

  it('is refused where CRIU is too old to leave a namespace alone', () => {
    assert.throws(() => refuseNamespaces(joined, 31_400), /criu lacks support for external pid namespace/);
    assert.throws(() => refuseNamespaces(joined, 30_000), /external/);
    refuseNamespaces(joined, 31_500);
    refuseNamespaces(record(), 30_000);
  });

  it('maps the cgroups that CRIU itself is in, controller by controller', () => {
    assert.deepEqual(cgroupRoots('4:cpu,cpuacct:/a\n2:name=systemd:/b:c\n0::/d\n'), [
      { controller: 'cpu', path: '/a' },
      { controller: 'cpuacct', path: '/a' },
      { controller: 'name=systemd', path: '/b:c' },
      { controller: '', path: '/d' },
    ]);
  });

  it('gives standard descriptors in the place of pipes', () => {
    assert.deepEqual(inheritedPipes(['/dev/null', 'pipe:[12]', 'pipe:[12]', 'pipe:[13]']), [
      { key: 'pipe:[12]', fd: 1 },
      { key: 'pipe:[12]', fd: 2 },
    ]);
    assert.deepEqual(inheritedPipes([]), []);
  });
});

it('versions are one number; a build between two releases is the next one', () => {
  assert.equal(numberOf({ version: { major: 3, minor: 17, sublevel: 1 } }), 31_701);
  assert.equal(numberOf({ version: { major: 4, minor: 0, sublevel: 0 } }), 40_000);
  assert.equal(numberOf({ version: { major: 3, minor: 15, sublevel: 2, gitId: 'v3.15-33-g' } }), 31_600);
});
