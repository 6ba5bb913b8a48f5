import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { close, openat } from '../../../native/calls/files.ts';
import { pipe } from '../../../native/calls/pair.ts';
import { nameOfOpenFile, pathOfOpenFile, readLink } from '../../../native/calls/read-link.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { call, SyscallError } from '../../../native/kernel/perform.ts';

const { local } = hostPlatform();
const folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-`));
after(() => rmSync(folder, { recursive: true }));

it('a link’s text is what it was made with', () => {
  symlinkSync('../ä b', join(folder, 'link'));
  assert.equal(readLink(local, AT.FDCWD, join(folder, 'link')), '../ä b');
});

it('what is no link, or not there, has none', () => {
  writeFileSync(join(folder, 'file'), '');
  assert.equal(readLink(local, AT.FDCWD, join(folder, 'file')), undefined);
  assert.equal(readLink(local, AT.FDCWD, join(folder, 'missing')), undefined);
});

it('an open file is known by its path, a pipe by its name', () => {
  const file = call(local, openat(AT.FDCWD, folder, O.PATH | O.DIRECTORY));
  const [reading, writing] = pipe(local, O.CLOEXEC);
  assert.equal(pathOfOpenFile(local, file), folder);
  assert.equal(nameOfOpenFile(local, reading), nameOfOpenFile(local, writing));
  assert.match(nameOfOpenFile(local, reading) ?? '', /^pipe:\[\d+\]$/);
  for (const fd of [file, reading, writing]) call(local, close(fd));
  assert.equal(nameOfOpenFile(local, file), undefined);
  assert.throws(
    () => pathOfOpenFile(local, file),
    (error) => error instanceof SyscallError && error.code === 'ENOENT',
  );
});
