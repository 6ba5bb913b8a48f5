/** A fault strikes the call that it is meant for. The rest of the batch is as the kernel would leave it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ERRNO } from '../../native/constants/errno.ts';
import type { Call, Kernel, Outcome } from '../../native/kernel/kernel.ts';
import { result } from '../../native/kernel/struct.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { FaultPlan, faultKernel, onlyCall } from './faults.ts';

/** It answers `dup3(x, y)` with x + 1, fails `close` with EBADF, and remembers what it performed. */
function fakeKernel(performer = 'runtime'): Kernel & { readonly performed: Call[] } {
  const performed: Call[] = [];
  return {
    performer,
    performed,
    submit(calls): Outcome {
      const results: number[] = [];
      for (const [index, call] of calls.entries()) {
        performed.push(call);
        const [arg] = call.args;
        const value =
          typeof arg === 'object' && arg !== null && 'kind' in arg && arg.kind === 'result' ? results[arg.index] : arg;
        results.push(call.name === 'close' ? -ERRNO.EBADF : Number(value) + 1);
        if (call.name === 'close' && !call.mayFail) return { results, stoppedAt: index };
      }
      return { results, stoppedAt: undefined };
    },
  };
}
const add = (to: Call['args'][number], more: Partial<Call> = {}): Call => ({ name: 'dup3', args: [to], ...more });
const closeIt: Call = { name: 'close', args: [1] };

test('the nth call fails, those before it are performed, those after it are not', () => {
  const inner = fakeKernel();
  const plan = new FaultPlan(onlyCall(2, 'ENOMEM'));
  const outcome = faultKernel(inner, plan).submit([add(1), add(2), add(3)]);
  assert.deepEqual(outcome, { results: [2, -ERRNO.ENOMEM], stoppedAt: 1 });
  assert.deepEqual(inner.performed, [add(1)]);
  assert.deepEqual(plan.struck, [{ n: 2, call: add(2), performer: 'runtime', fault: 'ENOMEM' }]);
});

test('a call that may fail and is struck does not stop its batch, and references still hold', () => {
  const kernel = faultKernel(fakeKernel(), new FaultPlan(onlyCall(2, 'EPERM')));
  const outcome = kernel.submit([add(10), add(1, { mayFail: true }), add(result(0)), add(result(2)), add(result(1))]);
  assert.deepEqual(outcome, { results: [11, -1, 12, 13, 0], stoppedAt: undefined });
  const last = faultKernel(fakeKernel(), new FaultPlan(onlyCall(1, 'EPERM'))).submit([add(1, { mayFail: true })]);
  assert.deepEqual(last, { results: [-1], stoppedAt: undefined });
});

test('a close that is struck closes all the same, as the kernel does', () => {
  const inner = fakeKernel();
  const outcome = faultKernel(inner, new FaultPlan(onlyCall(2, 'EIO'))).submit([add(1), closeIt, add(1)]);
  assert.deepEqual(outcome, { results: [2, -ERRNO.EIO], stoppedAt: 1 });
  assert.deepEqual(
    inner.performed.map(({ name }) => name),
    ['dup3', 'close'],
  );
});

test('counts across kernels, and only what was tried', () => {
  const plan = new FaultPlan(onlyCall(4, 'EIO'));
  const first = faultKernel(fakeKernel('runtime'), plan);
  const second = faultKernel(fakeKernel('init'), plan);
  assert.deepEqual(first.submit([add(1), closeIt, add(1), add(1)]).stoppedAt, 1);
  assert.equal(plan.seen, 2);
  assert.deepEqual(second.submit([add(1), add(1)]), { results: [2, -ERRNO.EIO], stoppedAt: 1 });
  assert.equal(plan.struck[0]?.performer, 'init');
});

test('dies with everything before the fault performed', () => {
  const inner = fakeKernel();
  const plan = new FaultPlan(onlyCall(2, 'die'), () => {
    throw new RangeError('killed');
  });
  assert.throws(() => faultKernel(inner, plan).submit([add(1), add(2)]), new RangeError('killed'));
  assert.deepEqual(inner.performed, [add(1)]);
  assert.throws(() => faultKernel(fakeKernel(), new FaultPlan(onlyCall(1, 'die'))).submit([add(1)]), /not told how/);
});

test('without a fault nothing changes, whatever the batch', () => {
  const call = fc.record({
    name: fc.constantFrom('dup3', 'close'),
    mayFail: fc.boolean(),
    at: fc.nat(),
    ref: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 8 }), (drawn) => {
      const calls = drawn.map(
        ({ name, mayFail, at, ref }, i): Call => ({
          name: name === 'close' ? 'close' : 'dup3',
          args: [ref && i > 0 ? result(at % i) : at % 100],
          ...(mayFail && { mayFail: true }),
        }),
      );
      const plan = new FaultPlan(() => undefined);
      const outcome = faultKernel(fakeKernel(), plan).submit(calls);
      assert.deepEqual(outcome, fakeKernel().submit(calls));
      assert.equal(plan.seen, outcome.results.length);
      // Every call of a batch that may fail does fail. The others get the results that they refer to.
      const all = faultKernel(fakeKernel(), new FaultPlan(() => 'EIO')).submit(
        calls.map((c) => ({ ...c, mayFail: true })),
      );
      assert.deepEqual(
        all.results,
        calls.map(() => -ERRNO.EIO),
      );
    }),
  );
});

test('works on the real kernel', () => {
  const kernel = faultKernel(localKernel(loadLibc()), new FaultPlan(onlyCall(2, 'EPERM')));
  const getpid: Call = { name: 'getpid', args: [] };
  assert.deepEqual(kernel.submit([getpid, getpid]), { results: [process.pid, -1], stoppedAt: 1 });
});
