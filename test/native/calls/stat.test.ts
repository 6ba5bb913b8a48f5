import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statfsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fstatfs, openat, STATFS_BYTES, STATX_BYTES, statx } from '../../../native/calls/files.ts';
import { deviceNumbersOf, groupOf, inodeOf, magicOf, ownerOf, sizeOf, timesOf } from '../../../native/calls/stat.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { opened } from '../../../native/kernel/owned.ts';
import { call } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';

const { local } = hostPlatform();

test('what is read from struct statx and struct statfs is what the engine reads', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, '12345');
  utimesSync(path, 1_000_000_000.25, 1_100_000_000.5);
  const stat = out(STATX_BYTES);
  call(local, statx(AT.FDCWD, path, stat));
  const known = statSync(path, { bigint: true });
  assert.equal(inodeOf(stat), known.ino);
  assert.deepEqual([ownerOf(stat), groupOf(stat), sizeOf(stat)].map(BigInt), [known.uid, known.gid, 5n]);
  assert.deepEqual(timesOf(stat), [
    [1_000_000_000n, 250_000_000],
    [1_100_000_000n, 500_000_000],
  ]);
  const statfs = out(STATFS_BYTES);
  using file = opened(local, openat(AT.FDCWD, path, O.PATH));
  call(local, fstatfs(file.fd, statfs));
  assert.equal(magicOf(statfs), statfsSync(path).type);
});

test('a device is told by its numbers', () => {
  const stat = out(STATX_BYTES);
  call(local, statx(AT.FDCWD, '/dev/urandom', stat));
  assert.deepEqual(deviceNumbersOf(stat), { major: 1, minor: 9 });
});
