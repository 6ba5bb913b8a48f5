/** Where a real process writes its labels to, in a root of its own, with a /proc that was made to mislead it. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openOwnFile, openProcfs } from '../../../effects/paths/procfs.ts';
import { refuseLabels, setLabels } from '../../../effects/process/labels.ts';
import { chdir, close, fstatfs, read, STATFS_BYTES, write } from '../../../native/calls/files.ts';
import { chroot, mount } from '../../../native/calls/mounts.ts';
import { unshare, waitid } from '../../../native/calls/process.ts';
import { FS_MAGIC, O } from '../../../native/constants/files.ts';
import { MS } from '../../../native/constants/mount.ts';
import { CLONE, P, W } from '../../../native/constants/process.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Call, Kernel } from '../../../native/kernel/kernel.ts';
import { call, isErrno, perform } from '../../../native/kernel/perform.ts';
import { out, result, viewOf } from '../../../native/kernel/struct.ts';

const skip = process.getuid?.() === 0 ? false : 'mounting takes root';
const apparmor = existsSync('/sys/module/apparmor');
const folder = skip === false ? mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-labels-`)) : '';
after(() => {
  if (folder !== '') rmSync(folder, { recursive: true });
});

/** Has a stage mount what `arrange` says in a new root, change its root to that, and then `act`. */
function inRoot<T>(arrange: (root: string, pid: number) => readonly Call[], act: (kernel: Kernel) => T): T {
  const { local, spawnStage } = hostPlatform();
  const root = mkdtempSync(join(folder, 'root-'));
  mkdirSync(join(root, 'proc'));
  const stage = spawnStage([0, 1, 2], 'stage');
  try {
    const own = [unshare(CLONE.NEWNS), mount('none', '/', null, MS.PRIVATE | MS.REC, null)];
    perform(stage.kernel, [...own, ...arrange(root, stage.pid), chroot(root), chdir('/')]);
    return act(stage.kernel);
  } finally {
    perform(local, [close(stage.connection), waitid(P.PID, stage.pid, out(128), W.EXITED)]);
  }
}

const bind = (from: string, to: string): Call => mount(from, to, null, MS.BIND, null);

/** Makes ordinary files with the names that procfs has. */
function forge(root: string): readonly string[] {
  return ['self', 'thread-self'].flatMap((who) => {
    mkdirSync(join(root, `proc/${who}/attr/apparmor`), { recursive: true });
    return ['exec', 'keycreate', 'apparmor/exec'].map((name) => {
      const file = join(root, `proc/${who}/attr/${name}`);
      writeFileSync(file, '');
      return file;
    });
  });
}

const commOf = (kernel: Kernel): string => {
  const procfs = openProcfs(kernel);
  const text = out(64);
  const fs = out(STATFS_BYTES);
  const open = openOwnFile(procfs, 'comm', O.RDONLY);
  const results = perform(kernel, [
    open,
    read(result(0), text),
    fstatfs(result(0), fs),
    close(result(0)),
    close(procfs),
  ]);
  assert.equal(viewOf(fs.bytes).getUint32(0, true), FS_MAGIC.PROC);
  return new TextDecoder().decode(text.bytes.subarray(0, results[1]));
};

describe('the labels of a process', { skip }, () => {
  test('CVE-2019-16884: never go to files that only look like procfs’s', () => {
    let forged: readonly string[] = [];
    const refusal = inRoot(
      (root) => {
        forged = forge(root);
        return [];
      },
      (kernel) => {
        assert.match(commOf(kernel), /^\d+\n$/, 'another procfs is there for those');
        return refusalOf(() => setLabels(kernel, { cwd: '/', apparmorProfile: 'runchart-test-no-such' }));
      },
    );
    assert.match(
      refusal,
      /^unable to apply apparmor profile: apparmor failed to apply profile "runchart-test-no-such": /,
    );
    assert.match(refusal, apparmor ? /no such profile is loaded$/ : /EINVAL: invalid argument$/);
    assert.equal(forged.length, 6);
    for (const file of forged) assert.equal(readFileSync(file, 'utf8'), '');
  });

  test('CVE-2019-16884: never go to a folder of a real procfs that stands in the place of its root', () => {
    inRoot(
      (root) => [mount('proc', join(root, 'proc'), 'proc', 0, null), bind('/proc/sys', join(root, 'proc'))],
      (kernel) => assert.match(commOf(kernel), /^\d+\n$/),
    );
  });

  test('CVE-2025-52881: never go to another file of procfs that lies in the place of the right one', () => {
    for (const attribute of ['exec', 'apparmor/exec'])
      inRoot(
        (root, pid) => {
          const there = existsSync(`/proc/self/attr/${attribute}`);
          const proc = join(root, 'proc');
          const victim = join(proc, 'sys/kernel/core_pattern');
          return [
            mount('proc', proc, 'proc', 0, null),
            ...(there ? [bind(victim, join(proc, `${pid}/attr/${attribute}`))] : []),
          ];
        },
        (kernel) => {
          if (attribute !== 'exec' && !existsSync(`/proc/self/attr/${attribute}`)) return;
          const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
          const procfs = openProcfs(kernel);
          assert.throws(
            () => call(kernel, openOwnFile(procfs, `attr/${attribute}`, O.WRONLY)),
            (error) => isErrno(error, 'EXDEV'),
          );
          perform(kernel, [close(procfs)]);
          const refusal = refusalOf(() => setLabels(kernel, { cwd: '/', apparmorProfile: 'x' }));
          assert.match(refusal, /EXDEV|EINVAL|no such profile/);
          assert.equal(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), before);
        },
      );
  });

  test('go to the process’s own file where /proc is what it should be', () => {
    inRoot(
      (root) => [mount('proc', join(root, 'proc'), 'proc', 0, null)],
      (kernel) => {
        const procfs = openProcfs(kernel);
        const open = openOwnFile(procfs, 'comm', O.RDWR);
        perform(kernel, [open, write(result(0), 'its own'), close(result(0)), close(procfs)]);
        assert.equal(commOf(kernel), 'its own\n');
      },
    );
  });

  test('are refused in runc’s words where the host has no such module', (t) => {
    const { local } = hostPlatform();
    if (!existsSync('/sys/fs/selinux/enforce'))
      assert.throws(() => refuseLabels(local, { cwd: '/', selinuxLabel: 'u:r:t:s0' }), {
        message: 'selinux label is specified in config, but selinux is disabled or not supported',
      });
    if (apparmor) return t.skip('this host has AppArmor');
    assert.throws(() => refuseLabels(local, { cwd: '/', apparmorProfile: 'p' }), {
      message:
        'unable to apply apparmor profile: apparmor failed to apply profile "p": AppArmor is not enabled on this host',
    });
  });
});

function refusalOf(action: () => void): string {
  try {
    action();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('this was not refused');
}
