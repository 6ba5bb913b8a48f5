import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { SIGNALS } from '../../../native/constants/signal.ts';
import { catchSignals } from '../../../runtime/foreground/caught-signals.ts';

/**
 * Waits until all listeners have heard of a signal: this one is the last of them. A timer keeps the engine going, since
 * a listener does not.
 */
async function raise(name: NodeJS.Signals): Promise<void> {
  let heard = false;
  process.once(name, () => {
    heard = true;
  });
  process.kill(process.pid, name);
  while (!heard) await setTimeout(1);
}

const listeners = () => ['SIGTERM', 'SIGHUP', 'SIGWINCH', 'SIGCHLD'].map((name) => process.listenerCount(name));

test('signals from before there is a handler are delivered in order, then each as it comes', async () => {
  const before = listeners();
  const caught = catchSignals();
  try {
    const seen: number[] = [];
    for (const name of ['SIGHUP', 'SIGTERM', 'SIGWINCH'] as const) await raise(name);
    caught.deliverTo((signal) => seen.push(signal));
    assert.deepEqual(seen, [SIGNALS.SIGHUP, SIGNALS.SIGTERM, SIGNALS.SIGWINCH]);
    await raise('SIGTERM');
    assert.deepEqual(seen.slice(3), [SIGNALS.SIGTERM]);
  } finally {
    caught.release();
  }
  assert.deepEqual(listeners(), before);
});
