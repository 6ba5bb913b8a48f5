import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openat } from '../../../native/calls/files.ts';
import { kill } from '../../../native/calls/process.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { Batch } from '../../../native/kernel/batch.ts';

test('a call that may fail is not performed on what an earlier one has failed to give', () => {
  const { local } = hostPlatform();
  const batch = new Batch();
  const missing = batch.try(openat(AT.FDCWD, '/nosuch', O.RDONLY));
  // As a number it would be a process group: the kernel would say that there is none, or that there is one.
  batch.try({ ...kill(0, 0), args: [missing, 0] });
  batch.add({ name: 'getpid', args: [] });
  assert.deepEqual(local.submit(batch.calls).results, [-ERRNO.ENOENT, -ERRNO.EBADF, process.pid]);
});
