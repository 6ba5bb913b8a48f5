import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import { BriefWait } from '../../../effects/foreground/brief-wait.ts';
import { write } from '../../../native/calls/files.ts';
import { pipe } from '../../../native/calls/pair.ts';
import { O } from '../../../native/constants/files.ts';
import { POLL } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { perform } from '../../../native/kernel/perform.ts';

const { local } = hostPlatform();

const newPipe = () => pipe(local, O.CLOEXEC);

test('says which descriptors are ready, a bounded number of times', () => {
  const [[silent, other], [speaking, speaker]] = [newPipe(), newPipe()];
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

test('waits no more once a wait has brought nothing, or a signal', () => {
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
