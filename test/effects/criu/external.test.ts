/** The mounts that CRIU is told to leave alone, and what it says when something fails. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { boundDevices, boundMounts, externalAtDump, externalAtRestore } from '../../../effects/criu/external.ts';
import { CriuError, criuErrorOf, firstError, withLog } from '../../../effects/criu/failure.ts';
import { planMounts } from '../../../effects/mounts/plan.ts';
import { REQUEST } from '../../../native/criu/messages.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import type { CgroupRecord } from '../../../spec/record.ts';
import type { Mount } from '../../../spec/types.ts';

const CGROUP: CgroupRecord = {
  layout: 'v1',
  driver: 'fs',
  paths: {
    cpu: '/sys/fs/cgroup/cpu,cpuacct/c',
    cpuacct: '/sys/fs/cgroup/cpu,cpuacct/c',
    pids: '/sys/fs/cgroup/pids/c',
  },
};
const boundOf = (mounts: readonly Mount[], cgroup: CgroupRecord = CGROUP, cgroupNamespace = false) =>
  boundMounts(planMounts(mounts, { files: new Set(), cgroup, cgroupNamespace }));

describe('external mounts', () => {
  const cgroups = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' }];

  it('are binds, and not file systems of the container’s own', () => {
    const mounts = [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/data', source: '/srv/data', options: ['rbind', 'ro'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' },
    ];
    assert.deepEqual(boundOf(mounts), [{ at: '/data', source: '/srv/data' }]);
  });

  it('are the cgroups of v1, unless a cgroup namespace shows them', () => {
    assert.deepEqual(boundOf(cgroups), [
      { at: '/sys/fs/cgroup/cpu,cpuacct', source: '/sys/fs/cgroup/cpu,cpuacct/c' },
      { at: '/sys/fs/cgroup/pids', source: '/sys/fs/cgroup/pids/c' },
    ]);
    assert.deepEqual(boundOf(cgroups, CGROUP, true), []);
  });

  it('are devices, since these may be binds', () => {
    const linux = {
      devices: [
        { path: '/dev/fuse', type: 'c', major: 10, minor: 229 },
        { path: '/dev/null', type: 'c', major: 1, minor: 3 },
      ],
    } as const;
    const bound = boundDevices({ ociVersion: '1.0.0', linux: { devices: [...linux.devices] } });
    assert.equal(bound.filter(({ at }) => at === '/dev/null').length, 1);
    assert.ok(bound.some(({ at, source }) => at === '/dev/fuse' && source === '/dev/fuse'));
  });

  it('have the key in a dump by which a restore knows them', () => {
    const bound = [{ at: '/data', source: '/srv/data' }];
    assert.deepEqual(externalAtDump(bound, ['/proc/keys']), ['mnt[/data]:/data', 'mnt[/proc/keys]:/dev/null']);
    const config = { ociVersion: '1.0.0', linux: { maskedPaths: ['/proc/keys'] } };
    assert.deepEqual(externalAtRestore(bound, config), ['mnt[/data]:/srv/data', 'mnt[/dev/null]:/dev/null']);
    assert.deepEqual(externalAtRestore(bound, { ociVersion: '1.0.0' }), ['mnt[/data]:/srv/data']);
  });
});

describe('what CRIU says', () => {
  const RLIMIT =
    "(00.022560) Error (criu/util.c:1533): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted";

  it('is the first error of its log, other than one that it goes on after', () => {
    assert.equal(firstError('(00.1) Warn  (x.c:1): y\n'), undefined);
    assert.equal(
      firstError(`${RLIMIT}\n(00.133418)      7: Error (criu/a.c:1): b\n(00.2) Error (criu/c.c:2): d\n`),
      '(criu/a.c:1): b',
    );
    const child = 'Error (criu/util.c:627): execvp("iptables-restore", ...) failed: No such file or directory';
    assert.match(firstError(`${child}\n(01.07) Error (criu/util.c:642): exited, status=1\n`) ?? '', /execvp/);
    assert.match(firstError(RLIMIT) ?? '', /^\(criu\/util\.c:1533\)/);
    // A path may have the word Error in it.
    assert.equal(firstError('(00.1) cg: /Error (/x\n'), undefined);
  });

  it('is told in runc’s words, with the place of the log', () => {
    const kernel = localKernel(loadLibc());
    const folder = mkdtempSync(join(tmpdir(), 'runchart-test-criu-log-'));
    try {
      const log = join(folder, 'dump.log');
      const error = criuErrorOf({ type: REQUEST.DUMP, success: false, errno: 3, message: 'first\n' });
      assert.equal(error.message, 'criu failed: type DUMP errno 3: first');
      assert.equal(withLog(kernel, error, log), error);
      writeFileSync(log, 'nothing\n');
      const told = (one: unknown) => String(withLog(kernel, one, log)).replace(/^\w+: /, '');
      assert.equal(told(error), `criu failed: type DUMP errno 3: first (log file: ${log})`);
      writeFileSync(log, '(00.1) Error (criu/a.c:1): b\n');
      assert.equal(told(error), `criu failed: type DUMP errno 3: (criu/a.c:1): b (log file: ${log})`);
      assert.equal(told(new CriuError('it is gone')), `it is gone: (criu/a.c:1): b (log file: ${log})`);
      // Not every failure is CRIU's.
      assert.equal(told(new Error('a hook')), 'a hook');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
