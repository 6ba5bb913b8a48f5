import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { BriefWait } from '../../../effects/foreground/brief-wait.ts';
import { write } from '../../../native/calls/files.ts';
import { O } from '../../../native/constants/files.ts';
import { POLL } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';

const { local } = hostPlatform();

function pipe(): readonly [reading: number, writing: number] {
  const pair = out(8);
  perform(local, [{ name: 'pipe2', args: [pair, O.CLOEXEC] }]);
  return [viewOf(pair.bytes).getInt32(0, true), viewOf(pair.bytes).getInt32(4, true)];
}

test('says which are ready, a bounded number of times', () => {
  const [[silent, other], [speaking, speaker]] = [pipe(), pipe()];
  perform(local, [write(speaker, 'x')]);
  const wait = new BriefWait(local);
  const requests = [silent, speaking].map((fd) => ({ fd, events: POLL.IN }));
  let rounds = 0;
  for (let ready = wait.poll(requests); ready !== undefined; ready = wait.poll(requests)) {
    assert.deepEqual(ready, [0, 1]);
    assert.ok(++rounds < 20);
  }
  assert.ok(rounds > 0);
  for (const fd of [silent, other, speaking, speaker]) closeSync(fd);
});

test('once nothing came, or a signal, it waits no more', () => {
  for (const failure of [0, -4]) {
    let calls = 0;
    const kernel: Kernel = {
      performer: 'test',
      submit(batch) {
        calls++;
        return { results: batch.map((_, i) => (i === 0 ? failure : 0)), stoppedAt: undefined };
      },
    };
    const wait = new BriefWait(kernel);
    assert.equal(wait.poll([{ fd: 1, events: POLL.IN }]), undefined);
    assert.equal(wait.poll([{ fd: 1, events: POLL.IN }]), undefined);
    assert.equal(calls, 1);
  }
});
