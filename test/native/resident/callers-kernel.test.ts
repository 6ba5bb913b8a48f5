import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { close, openat, read } from '../../../native/calls/files.ts';
import { prctl, SIGINFO_BYTES, waitid } from '../../../native/calls/process.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { P, PR } from '../../../native/constants/process.ts';
import { Batch } from '../../../native/kernel/batch.ts';
import { type Call, type Kernel, LostPeerError } from '../../../native/kernel/kernel.ts';
import { out } from '../../../native/kernel/struct.ts';
import { callersKernel } from '../../../native/resident/callers-kernel.ts';

/** A kernel that writes down what it is asked, and answers with the numbers from `first` on. */
function scribe(performer: string, first: number) {
  const seen: string[] = [];
  let next = first;
  const kernel: Kernel = {
    performer,
    submit(calls) {
      seen.push(...calls.map(({ name, args }) => `${name} ${args.filter((arg) => typeof arg !== 'object').join(' ')}`));
      return { results: calls.map(() => next++), stoppedAt: undefined };
    },
  };
  return { kernel, seen };
}

describe('the kernel of a command whose caller is another process', () => {
  it('has the caller wait for its children, and performs the rest', () => {
    const [own, body] = [scribe('runtime', 10), scribe('caller', 500)];
    const kernel = callersKernel(own.kernel, body.kernel, 77, (pidfd) => pidfd + 1000);
    kernel.submit([openat(AT.FDCWD, '/etc', O.RDONLY), close(4)]);
    kernel.submit([waitid(P.PID, 42, out(SIGINFO_BYTES)), prctl(PR.SET_CHILD_SUBREAPER, 1), prctl(PR.GET_DUMPABLE)]);
    kernel.submit([waitid(P.PIDFD, 9, out(SIGINFO_BYTES))]);
    assert.deepEqual(own.seen, ['openat -100 /etc 524288 0', 'close 4', 'prctl 3 0 0 0 0']);
    assert.deepEqual(body.seen, [`waitid ${P.PID} 42 4`, 'prctl 36 1 0 0 0', `waitid ${P.PID} 1009 4`]);
  });

  it('looks for the caller’s cgroup where it says its own, and passes results on', () => {
    const [own, body] = [scribe('runtime', 10), scribe('caller', 500)];
    const kernel = callersKernel(own.kernel, body.kernel, 77, () => 0);
    const batch = new Batch();
    const file = batch.add(openat(AT.FDCWD, '/proc/self/cgroup', O.RDONLY));
    batch.add(read(file, out(8)));
    batch.add(close(file));
    assert.deepEqual(kernel.submit(batch.calls).results, [10, 11, 12]);
    assert.deepEqual(own.seen, ['openat -100 /proc/77/cgroup 524288 0', 'read 10 8', 'close 10']);
  });

  it('stops a batch at the first call that fails and may not', () => {
    const failing: Kernel = { performer: 'caller', submit: () => ({ results: [-ERRNO.ECHILD], stoppedAt: 0 }) };
    const { kernel: own, seen } = scribe('runtime', 1);
    const kernel = callersKernel(own, failing, 77, () => 0);
    const wait: Call = waitid(P.PID, 42, out(SIGINFO_BYTES));
    assert.deepEqual(kernel.submit([wait, close(3)]), { results: [-ERRNO.ECHILD], stoppedAt: 0 });
    assert.deepEqual(kernel.submit([{ ...wait, mayFail: true }, close(3)]).results, [-ERRNO.ECHILD, 1]);
    assert.deepEqual(seen, ['close 3']);
  });

  it('says of a caller that is gone that it has no children', () => {
    const lost: Kernel = {
      performer: 'caller',
      submit() {
        throw new LostPeerError('caller');
      },
    };
    const kernel = callersKernel(scribe('runtime', 1).kernel, lost, 77, () => 0);
    assert.deepEqual(kernel.submit([waitid(P.PID, 42, out(SIGINFO_BYTES))]).results, [-ERRNO.ECHILD]);
    assert.throws(() => kernel.submit([prctl(PR.SET_CHILD_SUBREAPER, 1)]), LostPeerError);
  });
});
