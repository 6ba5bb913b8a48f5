/** The container's directory, on a real file system. */

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ERRNO } from '../../../native/constants/errno.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import {
  closeDirectory,
  type Directory,
  isCurrent,
  listDirectories,
  makeDirectory,
  openDirectory,
  readState,
  removeDirectory,
  writeState,
} from '../../../runtime/store/directory.ts';
import { StoreError } from '../../../runtime/store/error.ts';
import { type Fault, FaultPlan, faultKernel, onlyCall } from '../../simulation/faults.ts';
import { descriptors, kernel, newRoot } from '../place.ts';

const problem = (expected: string) => (error: unknown) => error instanceof StoreError && error.problem === expected;

function using(directory: Directory, action: (directory: Directory) => void): void {
  try {
    action(directory);
  } finally {
    closeDirectory(kernel, directory);
  }
}

test('a directory is made, with the roots above it, written, read and removed', () => {
  const root = join(newRoot(), 'deep', 'er');
  using(makeDirectory(kernel, root, 'c1'), (directory) => {
    assert.equal(statSync(root).mode & 0o7777, 0o1700, 'sticky: not cleaned up of XDG_RUNTIME_DIR');
    assert.equal(statSync(dirname(root)).mode & 0o7777, 0o700);
    assert.equal(readState(kernel, directory), undefined);
    writeState(kernel, directory, '{"a":1}');
    assert.equal(readState(kernel, directory), '{"a":1}');
    assert.equal(statSync(join(root, 'c1', 'state.json')).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(root, 'c1')), ['state.json']);
    removeDirectory(kernel, directory);
    assert.deepEqual(readdirSync(root), []);
    assert.equal(isCurrent(kernel, directory), false);
    removeDirectory(kernel, directory);
  });
});

test('large states and every character survive', () => {
  using(makeDirectory(kernel, newRoot(), 'c1'), (directory) => {
    for (const text of ['', 'é', `${'x'.repeat(16 * 1024 - 1)}é€`, '😀'.repeat(200_000)]) {
      writeState(kernel, directory, text);
      assert.equal(readState(kernel, directory), text);
    }
  });
});

test('errors about what is there, and about what is not, are in runc’s words', () => {
  const root = newRoot();
  using(makeDirectory(kernel, root, 'c1'), () => undefined);
  assert.throws(() => makeDirectory(kernel, root, 'c1'), { message: 'container with given ID already exists' });
  assert.throws(() => openDirectory(kernel, root, 'c2'), { message: /^container does not exist: c2 is not in \// });
  assert.throws(() => openDirectory(kernel, join(root, 'nowhere'), 'c1'), problem('missing'));
});

test('neither a symbolic link nor a file is taken for a container or its state', () => {
  const root = newRoot();
  mkdirSync(join(root, 'elsewhere'));
  symlinkSync('elsewhere', join(root, 'link'));
  writeFileSync(join(root, 'file'), '');
  assert.throws(() => openDirectory(kernel, root, 'link'), problem('missing'));
  assert.throws(() => openDirectory(kernel, root, 'file'), problem('missing'));
  using(makeDirectory(kernel, root, 'c1'), (directory) => {
    symlinkSync('/etc/passwd', join(root, 'c1', 'state.json'));
    assert.throws(() => readState(kernel, directory), problem('failed'));
    writeState(kernel, directory, '{}');
    assert.equal(readState(kernel, directory), '{}');
    assert.ok(readFileSync('/etc/passwd', 'utf8').includes('root'));
  });
});

test('a new directory of the same name is not mistaken for the one that was opened', () => {
  const root = newRoot();
  using(makeDirectory(kernel, root, 'c1'), (directory) => {
    assert.equal(isCurrent(kernel, directory), true);
    renameSync(join(root, 'c1'), join(root, 'c0'));
    assert.equal(isCurrent(kernel, directory), false);
    mkdirSync(join(root, 'c1'));
    assert.equal(isCurrent(kernel, directory), false);
  });
});

test('everything in the directory is removed, and nothing that a link points to', () => {
  const root = newRoot();
  writeFileSync(join(root, 'kept'), 'kept');
  using(makeDirectory(kernel, root, 'c1'), (directory) => {
    writeState(kernel, directory, '{}');
    mkdirSync(join(root, 'c1', 'a', 'b'), { recursive: true });
    writeFileSync(join(root, 'c1', 'a', 'b', 'file'), '');
    symlinkSync(root, join(root, 'c1', 'a', 'link'));
    for (let i = 0; i < 2000; i++) writeFileSync(join(root, 'c1', `file-with-a-rather-long-name-${i}`), '');
    removeDirectory(kernel, directory);
  });
  assert.deepEqual(readdirSync(root), ['kept']);
});

test('directories are listed in order, files are not', () => {
  const root = newRoot();
  for (const id of ['c2', 'c10', 'a']) mkdirSync(join(root, id));
  writeFileSync(join(root, 'file'), '');
  assert.deepEqual(listDirectories(kernel, root), ['a', 'c10', 'c2']);
  assert.deepEqual(listDirectories(kernel, join(root, 'nowhere')), []);
});

test('whichever call fails while the state is written, the old state is still there, and the error is one line', () => {
  for (const fault of ['ENOSPC', 'EROFS', 'EACCES'] as const satisfies readonly Fault[])
    for (let n = 1; ; n++) {
      const root = newRoot();
      const before = descriptors();
      const directory = makeDirectory(kernel, root, 'c1');
      writeState(kernel, directory, 'old');
      const plan = new FaultPlan(onlyCall(n, fault));
      const failing = faultKernel(kernel, plan);
      let failed: unknown;
      try {
        writeState(failing, directory, 'new');
      } catch (error) {
        failed = error;
      }
      const struck = plan.struck[0]?.call.name;
      if (struck === undefined) {
        assert.ok(n > 4, 'the write takes several calls');
        closeDirectory(kernel, directory);
        break;
      }
      if (failed === undefined) {
        // The write overcomes these: a rename replaces a failed exchange, and the next write uses the file that is left
        // where a close or a removal failed.
        assert.ok(['close', 'renameat2', 'unlinkat'].includes(struck), struck);
        assert.equal(readState(kernel, directory), 'new', struck);
        writeState(kernel, directory, 'newer');
      } else {
        assert.ok(failed instanceof StoreError, struck);
        assert.match(failed.message, new RegExp(`^cannot write the state of container c1: ${fault}: .+$`));
        assert.equal(readState(kernel, directory), 'old');
      }
      assert.deepEqual(readdirSync(join(root, 'c1')), ['state.json']);
      closeDirectory(kernel, directory);
      assert.equal(descriptors(), before, struck);
    }
});

test('a file system becomes full in the middle of the write', () => {
  using(makeDirectory(kernel, newRoot(), 'c1'), (directory) => {
    writeState(kernel, directory, 'old');
    let writes = 0;
    const full: Kernel = {
      performer: 'test',
      submit(calls) {
        const [first] = calls;
        if (first?.name !== 'write') return kernel.submit(calls);
        const [fd = 0, data = ''] = first.args;
        return writes++ === 0
          ? kernel.submit([{ ...first, args: [fd, data, 2] }])
          : { results: [-ERRNO.ENOSPC], stoppedAt: 0 };
      },
    };
    assert.throws(() => writeState(full, directory, 'new'), /ENOSPC/);
    assert.equal(readState(kernel, directory), 'old');
  });
});

test('the error for a state root that cannot be written is one line', () => {
  const readOnly = faultKernel(kernel, new FaultPlan((_n, call) => (call.name === 'mkdirat' ? 'EROFS' : undefined)));
  const before = descriptors();
  assert.throws(() => makeDirectory(readOnly, newRoot(), 'c1'), {
    message: /^cannot make the state directory \S+\/c1: EROFS: read-only file system$/,
  });
  assert.equal(descriptors(), before);
});
