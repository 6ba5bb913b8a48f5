/** Paths of an image are followed below its root, whatever links it has. On the real kernel. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withHead } from '../../../effects/causes/head.ts';
import type { Root } from '../../../effects/causes/scene.ts';
import { walk } from '../../../effects/causes/walk.ts';
import { openat } from '../../../native/calls/files.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { opened } from '../../../native/kernel/owned.ts';
import { kernel, newRoot } from '../../runtime/place.ts';

function inRoot(action: (root: Root, path: string) => void): void {
  const path = newRoot();
  mkdirSync(join(path, 'a/b'), { recursive: true });
  writeFileSync(join(path, 'a/b/file'), 'text');
  symlinkSync('b/../b/file', join(path, 'a/relative'));
  symlinkSync('/a/b/file', join(path, 'a/absolute'));
  symlinkSync('../../../../../etc/passwd', join(path, 'a/out'));
  symlinkSync('/proc/self/root/etc/passwd', join(path, 'a/magic'));
  symlinkSync('loop', join(path, 'a/loop'));
  symlinkSync('/nowhere', join(path, 'a/dangling'));
  using directory = opened(kernel, openat(AT.FDCWD, path, O.PATH | O.DIRECTORY));
  action({ directory, seenBy: 'self' }, path);
  assert.deepEqual(openBelow(path), [path], 'no descriptor is left');
}

/** What of a folder is open here: an engine opens things of its own meanwhile. */
const openBelow = (folder: string): readonly string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target === folder || target.startsWith(`${folder}/`) ? [target] : [];
    } catch {
      return [];
    }
  });

test('links are followed as the container would follow them, and never out of it', () => {
  inRoot((root) => {
    for (const path of ['/a/b/file', 'a/b/file', '/a/relative', '/a/absolute', '/../a/./b/../b/file'])
      assert.equal(walk(kernel, root, path).found?.path, '/a/b/file', path);
    assert.deepEqual(walk(kernel, root, '/a/out').end, { path: '/etc', errno: 2 });
    assert.deepEqual(walk(kernel, root, '/a/magic').end, { path: '/proc', errno: 2 });
    assert.equal(walk(kernel, root, '/a/loop').end?.errno, 40);
    const dangling = walk(kernel, root, '/a/dangling');
    assert.deepEqual(dangling.link, { path: '/a/dangling', target: '/nowhere' });
    assert.deepEqual(dangling.end, { path: '/nowhere', errno: 2 });
    assert.deepEqual(walk(kernel, root, '/a/b/file/x').end, { path: '/a/b/file', errno: 20 });
    assert.equal(walk(kernel, root, `/${'x/'.repeat(4000)}`).found, undefined);
    assert.equal(walk(kernel, root, '/').found?.path, '/');
  });
});

test('only regular files are read, and no more than a header of them', () => {
  inRoot((root, path) => {
    execFileSync('mkfifo', [join(path, 'fifo')]);
    symlinkSync('/a/b', join(path, 'directory'));
    writeFileSync(join(path, 'huge'), '#!/bin/sh');
    execFileSync('truncate', ['-s', '1G', join(path, 'huge')]);
    for (const name of ['fifo', 'directory', 'nothing'])
      assert.equal(
        withHead(kernel, root, name, () => 'read'),
        undefined,
        name,
      );
    assert.deepEqual(
      withHead(kernel, root, 'huge', ({ bytes, size }) => [bytes.length, size]),
      [4096, 2 ** 30],
    );
    assert.ok(readdirSync(path).includes('fifo'));
  });
});
