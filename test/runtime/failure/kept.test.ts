/** The failures that `explain` tells of, on a real file system. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EffectError } from '../../../effects/error.ts';
import { RefusedError } from '../../../runtime/container/answers.ts';
import {
  isWorthKeeping,
  KEPT_FILE,
  type KeptFailure,
  keepFailure,
  keptFailures,
} from '../../../runtime/failure/kept.ts';
import { missing } from '../../../runtime/store/error.ts';
import { descriptors, kernel, newRoot } from '../place.ts';

const failure = (id: string, more: Partial<KeptFailure> = {}): KeptFailure => ({
  id,
  command: 'create',
  time: '2026-11-30T10:00:00Z',
  message: 'it failed',
  ...more,
});

const ids = (root: string) => keptFailures(kernel, root).map(({ id }) => id);

test('the last twenty are kept, for the owner alone', () => {
  const root = newRoot();
  assert.deepEqual(ids(root), []);
  const before = descriptors();
  for (let i = 0; i < 25; i++) keepFailure(kernel, root, failure(`c${i}`));
  assert.deepEqual(
    ids(root),
    Array.from({ length: 20 }, (_, i) => `c${i + 5}`),
  );
  assert.equal(statSync(join(root, KEPT_FILE)).mode & 0o7777, 0o600);
  assert.equal(descriptors(), before);
});

test('those older than a week go, and long messages are cut', () => {
  const root = newRoot();
  keepFailure(kernel, root, failure('old', { time: '2026-11-20T10:00:00Z' }));
  keepFailure(kernel, root, failure('new', { message: 'x'.repeat(1 << 20) }));
  assert.deepEqual(ids(root), ['new']);
  assert.equal(keptFailures(kernel, root)[0]?.message.length, 4096);
});

test('lines that are damaged, or of something else, are left out', () => {
  const root = newRoot();
  keepFailure(kernel, root, failure('c1'));
  const file = join(root, KEPT_FILE);
  writeFileSync(file, `nonsense\n[]\nnull\n{"id":1}\n${readFileSync(file, 'utf8')}{"id":"cut`);
  assert.deepEqual(ids(root), ['c1']);
  keepFailure(kernel, root, failure('c2'));
  assert.deepEqual(ids(root), ['c1', 'c2']);
});

test('what stands in its place is neither followed nor waited for', () => {
  const places: Readonly<Record<string, (file: string) => void>> = {
    link: (file) => symlinkSync('/etc/passwd', file),
    fifo: (file) => void execFileSync('mkfifo', [file]),
    directory: (file) => mkdirSync(file),
  };
  const passwd = readFileSync('/etc/passwd', 'utf8');
  for (const [name, make] of Object.entries(places)) {
    const root = newRoot();
    make(join(root, KEPT_FILE));
    assert.doesNotThrow(() => keepFailure(kernel, root, failure('c1')), name);
    try {
      assert.deepEqual(keptFailures(kernel, root), [], name);
    } catch (error) {
      assert.match(String(error), /cannot read the failures in/, name);
    }
    rmSync(join(root, KEPT_FILE), { recursive: true, force: true });
  }
  assert.equal(readFileSync('/etc/passwd', 'utf8'), passwd);
});

test('no root, and one that others may write to, keep nothing', () => {
  const root = newRoot();
  assert.doesNotThrow(() => keepFailure(kernel, join(root, 'none'), failure('c1')));
  chmodSync(root, 0o777);
  keepFailure(kernel, root, failure('c1'));
  assert.throws(() => keptFailures(kernel, root), /others may write to it/);
  chmodSync(root, 0o700);
  assert.deepEqual(ids(root), []);
});

test('a request that was refused, or of a container that is not there, is no failure to keep', () => {
  assert.equal(isWorthKeeping(new EffectError('mount: EPERM')), true);
  assert.equal(isWorthKeeping(missing('/run', 'c1')), false);
  assert.equal(isWorthKeeping(new EffectError('exec', { cause: missing('/run', 'c1') })), false);
  const refused = new RefusedError({ outcome: 'refused', message: 'no', request: 'start', status: 'running' });
  assert.equal(isWorthKeeping(refused), false);
});
