import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { SIGNALS } from '../../native/constants/signal.ts';
import { catchSignals } from '../../runtime/caught-signals.ts';

const listeners = () => ['SIGTERM', 'SIGHUP', 'SIGWINCH', 'SIGCHLD'].map((name) => process.listenerCount(name));

test('signals from before there is a handler are delivered in order, then each as it comes', async () => {
  const before = listeners();
  const caught = catchSignals();
  try {
    const seen: number[] = [];
    for (const name of ['SIGHUP', 'SIGTERM', 'SIGWINCH'] as const) {
      process.kill(process.pid, name);
      await setTimeout(5);
    }
    caught.deliverTo((signal) => seen.push(signal));
    assert.deepEqual(seen, [SIGNALS.SIGHUP, SIGNALS.SIGTERM, SIGNALS.SIGWINCH]);
    process.kill(process.pid, 'SIGTERM');
    await setTimeout(5);
    assert.deepEqual(seen.slice(3), [SIGNALS.SIGTERM]);
  } finally {
    caught.release();
  }
  assert.deepEqual(listeners(), before);
});
