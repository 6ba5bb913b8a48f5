/** The facts of a failure are found wherever in the chain of causes they are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CgroupFileError } from '../../../effects/cgroups/error.ts';
import { doing, EffectError } from '../../../effects/error.ts';
import { openat, openat2 } from '../../../native/calls/files.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT } from '../../../native/constants/files.ts';
import { SyscallError } from '../../../native/kernel/perform.ts';
import { RefusedError, succeed } from '../../../runtime/container/answers.ts';
import { causesOf, factsOf } from '../../../runtime/failure/facts.ts';

const missing = new SyscallError(openat2(AT.FDCWD, '/etc/x', { flags: 0 }), ERRNO.ENOENT);

test('a failed request tells its phase, and its cause tells the call', () => {
  const error = thrown(() =>
    doing('unable to start container process', () =>
      succeed(
        { warn: () => undefined },
        {
          outcome: 'failed',
          failures: [
            { type: 'failed', during: 'mounts', error: new EffectError('mount it', { cause: missing }) },
            { type: 'failed', during: 'cgroup', error: new Error('busy') },
          ],
          warnings: [],
        },
      ),
    ),
  );
  assert.equal(error.message, 'unable to start container process: mount it; then cgroup: busy');
  assert.deepEqual(factsOf(error), { phase: 'mounts', syscall: 'openat2', errno: 'ENOENT', path: '/etc/x' });
});

test('the words of an outer error come first', () => {
  const inside = new SyscallError(openat(AT.FDCWD, 'x', 0), ERRNO.EACCES);
  const error = new EffectError('mount proc', { cause: inside, about: { path: '/proc' } });
  assert.deepEqual(factsOf(error), { syscall: 'openat', errno: 'EACCES', path: '/proc' });
  const own = new EffectError('chdir', { about: { path: '/a', syscall: 'chdir', errno: ERRNO.ENOTDIR } });
  assert.deepEqual(factsOf(own), { syscall: 'chdir', errno: 'ENOTDIR', path: '/a' });
});

test('a refusal, a file of a cgroup, an error that says nothing', () => {
  const refused = new RefusedError({ outcome: 'refused', message: 'no', request: 'start', status: 'running' });
  assert.deepEqual(factsOf(refused), { phase: 'start' });
  const file = new CgroupFileError('write', '/sys/fs/cgroup/a/pids.max', ERRNO.EINVAL);
  assert.deepEqual(factsOf(file), { errno: 'EINVAL', path: '/sys/fs/cgroup/a/pids.max' });
  for (const error of [new Error('x'), 'x', undefined, null, 7]) assert.deepEqual(factsOf(error), {});
});

test('a descriptor has no path, and causes that lead in a circle end', () => {
  const byDescriptor = new SyscallError(openat2(3, '', { flags: 0 }), ERRNO.ELOOP);
  assert.deepEqual(factsOf(byDescriptor), { syscall: 'openat2', errno: 'ELOOP' });
  const link = new SyscallError(openat(AT.FDCWD, '/proc/self/fd/7', 0), ERRNO.ELOOP);
  assert.equal(factsOf(link).path, undefined);
  const circle = new Error('a');
  circle.cause = new Error('b', { cause: circle });
  assert.ok(causesOf(circle).length <= 32);
  assert.deepEqual(factsOf(new SuppressedError(new Error('close'), missing)).errno, 'ENOENT');
});

function thrown(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return assert.fail('nothing was thrown');
}
