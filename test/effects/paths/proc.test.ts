import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { findStat, parseStat, readSmallFile, startTimeOf, unescaped } from '../../../effects/paths/proc.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { isErrno } from '../../../native/kernel/perform.ts';

const { local } = hostPlatform();
const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
after(() => rmSync(folder, { recursive: true }));

test('the fields of a stat are found whatever the process is called', () => {
  const fields = Array.from({ length: 50 }, (_, i) => String(i + 3))
    .join(' ')
    .replace(/^3 /, 'S ');
  fc.assert(
    fc.property(fc.string({ maxLength: 16 }), (name) => {
      assert.deepEqual(parseStat(`17 (${name}) ${fields}`), { state: 'S', parent: 4, startTime: '22', pending: 31 });
    }),
  );
});

test('a process is found with its parent, and one that is not there is not', () => {
  assert.equal(findStat(local, process.pid)?.parent, process.ppid);
  // Beyond the largest pid that Linux gives (PID_MAX_LIMIT).
  const nobody = 1 << 23;
  assert.equal(findStat(local, nobody), undefined);
  assert.throws(
    () => startTimeOf(local, nobody),
    (error) => isErrno(error, 'ESRCH'),
  );
});

test('a small file is read whole, in however many pieces, and one beyond the limit is refused', () => {
  const path = join(folder, 'file');
  for (const text of ['', 'a', 'ü'.repeat(2047), `x${'ü'.repeat(50_000)}`]) {
    writeFileSync(path, text);
    assert.equal(readSmallFile(local, path), text);
  }
  const { length } = Buffer.from(readSmallFile(local, path));
  assert.equal(readSmallFile(local, path, length).length, 50_001);
  assert.throws(
    () => readSmallFile(local, path, length - 1),
    (error) => isErrno(error, 'EFBIG'),
  );
});

test('a fifo without a writer is empty, and is not waited for', () => {
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  assert.equal(readSmallFile(local, path), '');
});

test('a path of mountinfo is read as it was before its blanks became octal numbers', () => {
  assert.equal(unescaped('/a\\040b\\011c\\012d\\134e'), '/a b\tc\nd\\e');
  assert.equal(unescaped('/plain'), '/plain');
});
