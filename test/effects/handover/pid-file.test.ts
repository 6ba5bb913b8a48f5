import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { writePidFile } from '../../../effects/handover/pid-file.ts';
import { hostPlatform } from '../../../native/host-platform.ts';

const folder = mkdtempSync(join(tmpdir(), 'runchart-test-pid-file-'));
after(() => rmSync(folder, { recursive: true }));
const { local } = hostPlatform();

test('the pid replaces a file of that name, and no other file is left', () => {
  const path = join(folder, 'pid');
  writeFileSync(path, 'an older one');
  writePidFile(local, path, 4711);
  assert.equal(readFileSync(path, 'utf8'), '4711');
  assert.deepEqual(readdirSync(folder), ['pid']);
});

test('a pid that cannot be written is an error, and leaves no file behind', () => {
  assert.throws(() => writePidFile(local, join(folder, 'none/pid'), 1), {
    message: `write the pid file ${folder}/none/pid: ENOENT: no such file or directory`,
  });
  // A folder has this name: the rename fails.
  assert.throws(() => writePidFile(local, folder, 1), /^EffectError: write the pid file .*: EISDIR/);
  assert.deepEqual(
    readdirSync(join(folder, '..')).filter((name) => name === `.${folder.split('/').at(-1)}`),
    [],
  );
});
