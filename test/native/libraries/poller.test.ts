import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, write } from '../../../native/calls/files.ts';
import { pipe } from '../../../native/calls/pair.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { O } from '../../../native/constants/files.ts';
import { POLL } from '../../../native/constants/socket.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { isErrno, perform } from '../../../native/kernel/perform.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { poller } from '../../../native/libraries/poller.ts';
import { localKernel } from '../../../native/performers/local.ts';

const libc = loadLibc();
const local = localKernel(libc);

const newPipe = () => pipe(local, O.CLOEXEC);

test('many waits at once, each answered by its own event, whatever the order', async () => {
  const poll = poller(libc, local);
  const pipes = Array.from({ length: 20 }, newPipe);
  const answered: number[] = [];
  const waits = pipes.map(async ([read], i) => {
    assert.deepEqual(await poll([{ fd: read, events: POLL.IN }], -1), [POLL.IN]);
    answered.push(i);
  });
  for (const i of [7, 19, 0]) {
    perform(local, [write(pipes[i]?.[1] ?? -1, 'x')]);
    await waits[i];
  }
  assert.deepEqual(answered, [7, 19, 0]);
  pipes.forEach(([, fd], i) => {
    if (!answered.includes(i)) perform(local, [write(fd, 'x')]);
  });
  await Promise.all(waits);
  perform(
    local,
    pipes.flat().map((fd) => close(fd)),
  );
});

test('a wait that nothing happens to ends after its time, and leaves the others waiting', async () => {
  const poll = poller(libc, local);
  const [read, fd] = newPipe();
  const patient = poll([{ fd: read, events: POLL.IN }], -1);
  assert.deepEqual(await poll([{ fd: read, events: 0 }], 20), [0]);
  perform(local, [write(fd, 'x')]);
  assert.deepEqual(await patient, [POLL.IN]);
  perform(local, [close(read), close(fd)]);
});

test('a wait that is aborted rejects with the reason, and the thread forgets it', async () => {
  const poll = poller(libc, local);
  const [read, fd] = newPipe();
  const abort = new AbortController();
  const aborted = poll([{ fd: read, events: POLL.IN }], -1, abort.signal);
  const patient = poll([{ fd: read, events: POLL.IN }], -1);
  abort.abort(new Error('enough'));
  await assert.rejects(aborted, /^Error: enough$/);
  perform(local, [write(fd, 'x')]);
  assert.deepEqual(await patient, [POLL.IN]);
  await assert.rejects(poll([{ fd: read, events: POLL.IN }], -1, abort.signal), /^Error: enough$/);
  perform(local, [close(read), close(fd)]);
});

test('a wait fails where no descriptor is left to wake the thread, and the next wait is served', async () => {
  let left = 0;
  const scarce: Kernel = {
    performer: 'runtime',
    submit: (calls) =>
      calls[0]?.name === 'eventfd2' && left-- === 0 ? { results: [-ERRNO.EMFILE], stoppedAt: 0 } : local.submit(calls),
  };
  const poll = poller(libc, scarce);
  await assert.rejects(poll([], 1), (error) => isErrno(error, 'EMFILE'));
  assert.deepEqual(await poll([], 1), []);
});
