import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeUnified } from '../../../../effects/cgroups/v2/tree.ts';
import { ERRNO } from '../../../../native/constants/errno.ts';
import type { Kernel } from '../../../../native/kernel/kernel.ts';

/** Each call fails. */
const failing = (errno: number): Kernel => ({
  performer: 'runtime',
  submit: (calls) => ({ results: calls.map(() => -errno), stoppedAt: undefined }),
});

test('a directory whose files cannot be read is not taken for one outside of the hierarchy', () => {
  const make = (errno: number) => () => makeUnified(failing(errno), '/sys/fs/cgroup/c1', {}, []);
  assert.throws(make(ERRNO.EIO), /: read \/sys\/cgroup\.subtree_control: EIO: /);
  assert.throws(make(ERRNO.ENOENT), /^CgroupError: \/sys\/fs\/cgroup\/c1 is not below a cgroup2 mount$/);
});
