/** Filters that are really loaded, in a stage of ours, and what the kernel then makes of the stage's calls. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadCalls } from '../../../effects/seccomp/seccomp.ts';
import { close } from '../../../native/calls/files.ts';
import { setNoNewPrivs, waitid } from '../../../native/calls/process.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { P, W } from '../../../native/constants/process.ts';
import { type Call, LostPeerError } from '../../../native/kernel/kernel.ts';
import { perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import type { Seccomp, SeccompAction, SeccompOperator, SeccompSyscall } from '../../../spec/types.ts';
import { compileOrSkip, startStage } from './stage.ts';

const libc = loadLibc();
const local = localKernel(libc);
const { compile, skip } = compileOrSkip(libc, local);
const stages = new Map<number, number>();
after(() => assert.equal(stages.size, 0, 'every stage was reaped'));

/** Loads a profile in a stage, then tries the calls there. */
function under(profile: Seccomp, ...calls: readonly Call[]): readonly number[] {
  const { pid, kernel, connection } = startStage(libc, local);
  stages.set(pid, connection);
  try {
    const filter = [setNoNewPrivs(), ...loadCalls(compile(profile))];
    const results = perform(kernel, [...filter, ...calls.map((one) => ({ ...one, mayFail: true as const }))]);
    return results.slice(filter.length);
  } finally {
    end(pid);
  }
}

/** How the stage ended: `si_code` and `si_status` of waitid(2). */
function end(pid: number): { code: number; status: number } {
  const socket = stages.get(pid);
  if (socket === undefined) throw new Error('not a stage of ours');
  stages.delete(pid);
  const info = out(128);
  perform(local, [close(socket), waitid(P.PID, pid, info, W.EXITED)]);
  const view = viewOf(info.bytes);
  return { code: view.getInt32(8, true), status: view.getInt32(24, true) };
}

/** What an init must be able to do to serve on, and to leave. */
const SERVING: SeccompSyscall = { names: ['read', 'sendto', 'exit_group', 'close'], action: 'SCMP_ACT_ALLOW' };
const getpid: Call = { name: 'getpid', args: [] };
const getuid: Call = { name: 'getuid', args: [] };
const personality = (persona: number | bigint): Call => ({ name: 'personality', args: [persona] });
const umask: Call = { name: 'umask', args: [0o22] };

test('ERRNO answers in the place of the call, with EPERM where the profile names no errno', { skip }, () => {
  const results = under(
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['getpid'], action: 'SCMP_ACT_ERRNO' },
        { names: ['getuid'], action: 'SCMP_ACT_ERRNO', errnoRet: 4094 },
        { names: ['umask'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 },
      ],
    },
    getpid,
    getuid,
    umask,
    personality(0xffffffff),
  );
  assert.deepEqual(results, [-ERRNO.EPERM, -4094, 0, 0]);
});

test('LOG lets the call take place, and TRACE without a tracer fails it with ENOSYS', { skip }, () => {
  const [pid = 0, traced] = under(
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['getpid'], action: 'SCMP_ACT_LOG' },
        { names: ['getuid'], action: 'SCMP_ACT_TRACE', errnoRet: 7 },
      ],
    },
    getpid,
    getuid,
  );
  assert.ok(pid > 0);
  assert.equal(traced, -ERRNO.ENOSYS);
});

test('KILL, KILL_THREAD, KILL_PROCESS and TRAP end the process by SIGSYS', { skip }, () => {
  for (const action of ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_TRAP'] as const) {
    const { pid, kernel, connection } = startStage(libc, local);
    stages.set(pid, connection);
    const filter = loadCalls(compile({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['getpid'], action }] }));
    perform(kernel, [setNoNewPrivs(), ...filter]);
    assert.throws(() => kernel.submit([getpid]), LostPeerError, action);
    const { code, status } = end(pid);
    assert.ok(code === 2 || code === 3, 'killed, perhaps with a core');
    assert.equal(status, 31, action);
  }
});

test('a call that the profile does not name meets the default action, and a newer one fails with ENOSYS', {
  skip,
}, () => {
  const results = under(
    {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: ERRNO.EACCES,
      syscalls: [SERVING, { names: ['openat2', 'no_such_call'], action: 'SCMP_ACT_ALLOW' }],
    },
    getpid,
    { name: 'pidfd_getfd', args: [-1, 0, 0] },
    { name: 'faccessat2', args: [-1, '', 0, 0] },
    { name: 'openat2', args: [-1, 'x', null, 0] },
  );
  assert.deepEqual(results, [-ERRNO.EACCES, -ERRNO.ENOSYS, -ERRNO.ENOSYS, -ERRNO.EINVAL]);
});

/** What becomes of a call that the profile does not name: a result, or how it ends the process (`si_status`). */
const DEFAULTS: Readonly<Record<Exclude<SeccompAction, 'SCMP_ACT_NOTIFY'>, number | 'ends'>> = {
  SCMP_ACT_KILL: 'ends',
  SCMP_ACT_KILL_PROCESS: 'ends',
  SCMP_ACT_KILL_THREAD: 'ends',
  SCMP_ACT_TRAP: 'ends',
  SCMP_ACT_ERRNO: -ERRNO.EPERM,
  SCMP_ACT_TRACE: -ERRNO.ENOSYS,
  SCMP_ACT_ALLOW: 0,
  SCMP_ACT_LOG: 0,
};

test('every default action does what its name says', { skip }, () => {
  for (const [action, expected] of Object.entries(DEFAULTS)) {
    const { pid, kernel, connection } = startStage(libc, local);
    stages.set(pid, connection);
    // Calls above the newest one that a refusing profile names would fail with ENOSYS instead: this one is above umask.
    const syscalls = [SERVING, { names: ['openat2'], action: 'SCMP_ACT_ALLOW' as const }];
    const filter = loadCalls(compile({ defaultAction: action as SeccompAction, syscalls }));
    perform(kernel, [setNoNewPrivs(), ...filter]);
    if (expected === 'ends') assert.throws(() => kernel.submit([{ ...umask, mayFail: true }]), LostPeerError, action);
    else assert.ok(Math.min(kernel.submit([{ ...umask, mayFail: true }]).results[0] ?? -1, 0) === expected, action);
    const { status } = end(pid);
    if (expected === 'ends') assert.equal(status, 31, action);
  }
});

test('arguments are compared in all 64 bits', { skip }, () => {
  const rule = (op: SeccompOperator, value: number | bigint, valueTwo = 0) =>
    under(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          {
            names: ['personality'],
            action: 'SCMP_ACT_ERRNO',
            args: [{ index: 0, op, value, valueTwo }],
          },
        ],
      },
      // The kernel takes the argument as 32 bits. It is asked for the present persona, and answers 0.
      ...[5n, 6n, 7n, 2n ** 31n + 6n].map((high) => personality((high << 32n) | 0xffffffffn)),
    ).map((one) => one < 0);
  const six = (6n << 32n) | 0xffffffffn;
  assert.deepEqual(rule('SCMP_CMP_EQ', six), [false, true, false, false]);
  assert.deepEqual(rule('SCMP_CMP_NE', six), [true, false, true, true]);
  assert.deepEqual(rule('SCMP_CMP_LT', six), [true, false, false, false]);
  assert.deepEqual(rule('SCMP_CMP_LE', six), [true, true, false, false]);
  assert.deepEqual(rule('SCMP_CMP_GE', six), [false, true, true, true]);
  assert.deepEqual(rule('SCMP_CMP_GT', six), [false, false, true, true]);
  assert.deepEqual(rule('SCMP_CMP_MASKED_EQ', 2n ** 64n - 1n, 1), [false, false, false, false]);
  assert.deepEqual(rule('SCMP_CMP_MASKED_EQ', 1n << 32n), [false, true, false, true]);
});

test('the flags that the kernel has are loaded with the filter', { skip }, () => {
  const rules: Seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['getuid'], action: 'SCMP_ACT_ERRNO' }],
  };
  const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'] as const;
  assert.equal(compile(rules).flags, 4);
  assert.equal(compile({ ...rules, flags: [] }).flags, 0);
  assert.equal(compile({ ...rules, flags: [...flags] }).flags, 6);
  assert.equal(compile({ ...rules, flags: ['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'] }).flags, 0, 'nobody to wait for');
  assert.deepEqual(under({ ...rules, flags: [...flags] }, getuid), [-ERRNO.EPERM]);
});
