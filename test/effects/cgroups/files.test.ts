import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  planRead,
  planWrite,
  readText,
  textOf,
  tryRead,
  tryWrite,
  writeText,
  writtenBy,
} from '../../../effects/cgroups/files.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { Batch } from '../../../native/kernel/batch.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';

const local = localKernel(loadLibc());
const folder = mkdtempSync(join(tmpdir(), 'runchart-test-cgroup-files-'));
after(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

test('a file is read whole, whatever its size', () => {
  for (const size of [0, 1, 4095, 4096, 4097, 100_000]) {
    const text = 'x'.repeat(size);
    writeFileSync(path('text'), text);
    assert.equal(readText(local, path('text')), text, `${size} bytes`);
  }
});

test('a planned read says that the file is longer than was planned for', () => {
  writeFileSync(path('text'), 'x'.repeat(4097));
  const batch = new Batch();
  const [one, two] = [planRead(batch, path('text'), 1), planRead(batch, path('text'), 2)];
  const { results } = local.submit(batch.calls);
  assert.equal(textOf(one, results), undefined);
  assert.equal(textOf(two, results), 'x'.repeat(4097));
});

test('each file of a batch has an outcome of its own', () => {
  writeFileSync(path('there'), 'old');
  const batch = new Batch();
  const absent = planRead(batch, path('absent'));
  const refused = planWrite(batch, folder, '1');
  const there = planRead(batch, path('there'));
  const written = planWrite(batch, path('there'), 'new');
  const { results } = local.submit(batch.calls);
  assert.equal(textOf(absent, results), -ERRNO.ENOENT);
  assert.equal(writtenBy(refused, results), -ERRNO.EISDIR);
  assert.equal(textOf(there, results), 'old');
  assert.equal(writtenBy(written, results), 0);
  assert.equal(readFileSync(path('there'), 'utf8'), 'new');
});

test('a failure names the file and the reason', () => {
  assert.equal(tryRead(local, path('absent')), -ERRNO.ENOENT);
  assert.equal(tryWrite(local, path('absent'), '1'), -ERRNO.ENOENT);
  assert.throws(() => readText(local, '/absent'), /^CgroupError: read \/absent: ENOENT: no such file or directory$/);
  assert.throws(
    () => writeText(local, '/absent', '1\n'),
    /^CgroupError: write 1 to \/absent: ENOENT: no such file or directory$/,
  );
});
