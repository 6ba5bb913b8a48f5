import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, write } from '../../../native/calls/files.ts';
import { POLL } from '../../../native/constants/socket.ts';
import { perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { poller } from '../../../native/libraries/poller.ts';
import { localKernel } from '../../../native/performers/local.ts';

const libc = loadLibc();
const local = localKernel(libc);

function pipe(): { read: number; write: number } {
  const ends = out(8);
  perform(local, [{ name: 'pipe2', args: [ends, 0o2000000] }]);
  const view = viewOf(ends.bytes);
  return { read: view.getInt32(0, true), write: view.getInt32(4, true) };
}

test('many waits at once, each answered by its own event, whatever the order', async () => {
  const poll = poller(libc, local);
  const pipes = Array.from({ length: 20 }, pipe);
  const answered: number[] = [];
  const waits = pipes.map(async ({ read }, i) => {
    assert.deepEqual(await poll([{ fd: read, events: POLL.IN }], -1), [POLL.IN]);
    answered.push(i);
  });
  for (const i of [7, 19, 0]) {
    perform(local, [write(pipes[i]?.write ?? -1, 'x')]);
    await waits[i];
  }
  assert.deepEqual(answered, [7, 19, 0]);
  pipes.forEach(({ write: fd }, i) => {
    if (!answered.includes(i)) perform(local, [write(fd, 'x')]);
  });
  await Promise.all(waits);
  perform(
    local,
    pipes.flatMap((ends) => [close(ends.read), close(ends.write)]),
  );
});

test('a wait that nothing happens to ends after its time, and leaves the others waiting', async () => {
  const poll = poller(libc, local);
  const { read, write: fd } = pipe();
  const patient = poll([{ fd: read, events: POLL.IN }], -1);
  assert.deepEqual(await poll([{ fd: read, events: 0 }], 20), [0]);
  perform(local, [write(fd, 'x')]);
  assert.deepEqual(await patient, [POLL.IN]);
  perform(local, [close(read), close(fd)]);
});
