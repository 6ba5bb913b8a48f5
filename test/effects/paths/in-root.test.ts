import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { addOpenPlaceholder, type Placeholder } from '../../../effects/paths/in-root.ts';
import { close, openat } from '../../../native/calls/files.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { Batch } from '../../../native/kernel/batch.ts';
import { call, perform } from '../../../native/kernel/perform.ts';

const { local } = hostPlatform();

describe('a destination that is made along with its mount', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
  after(() => rmSync(folder, { recursive: true }));
  let rootfs: string;
  beforeEach(() => {
    rootfs = mkdtempSync(join(folder, 'rootfs-'));
  });

  function open(path: string, kind: Placeholder): void {
    const root = call(local, openat(AT.FDCWD, rootfs, O.PATH | O.DIRECTORY));
    try {
      const batch = new Batch();
      batch.add(close(addOpenPlaceholder(batch, root, path, kind)));
      perform(local, batch.calls);
    } finally {
      perform(local, [close(root)]);
    }
  }

  it('is a file or a directory, and may be there already', () => {
    for (const times of [1, 2]) {
      open('/file', 'file');
      open('/directory', 'directory');
      assert.deepEqual([statSync(join(rootfs, 'file')).size, readdirSync(rootfs).length], [0, 2], `${times} times`);
    }
  });

  it('is made with its parent, if it is a file and the parent stands in the root', () => {
    open('/run/.containerenv', 'file');
    assert.ok(statSync(join(rootfs, 'run/.containerenv')).isFile());
    assert.equal(statSync(join(rootfs, 'run')).mode & 0o777, 0o755);
  });

  it('is not made if more is missing: makePlaceholder does that', () => {
    for (const [path, kind] of [
      ['/a/b/file', 'file'],
      ['/a/directory', 'directory'],
    ] as const)
      assert.throws(() => open(path, kind), /ENOENT/);
    assert.deepEqual(readdirSync(rootfs), []);
  });

  it('is not made behind a link that leads nowhere', () => {
    symlinkSync('/nowhere', join(rootfs, 'run'));
    assert.throws(() => open('/run/file', 'file'), /ENOENT/);
    assert.deepEqual(readdirSync(rootfs), ['run']);
  });
});
