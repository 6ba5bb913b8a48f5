import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeMaster } from '../../../effects/foreground/terminal.ts';
import { close, openat } from '../../../native/calls/files.ts';
import { socketPair } from '../../../native/calls/pair.ts';
import { nameOfOpenFile } from '../../../native/calls/read-link.ts';
import { send, sendDescriptors } from '../../../native/calls/sockets.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { opened } from '../../../native/kernel/owned.ts';
import { perform } from '../../../native/kernel/perform.ts';

const { local } = hostPlatform();

test('takes the descriptor that has come', () => {
  const [ours, theirs] = socketPair(local);
  try {
    using file = opened(local, openat(AT.FDCWD, '/dev/null', O.RDWR));
    perform(local, [sendDescriptors(theirs, [file.fd])]);
    const master = takeMaster(local, ours);
    assert.equal(nameOfOpenFile(local, master), '/dev/null');
    perform(local, [close(master)]);
  } finally {
    perform(local, [close(ours), close(theirs)]);
  }
});

test('does not wait for an init that has sent none', () => {
  const [ours, theirs] = socketPair(local);
  try {
    assert.throws(() => takeMaster(local, ours), {
      name: 'EffectError',
      message: "receive the container's terminal: EAGAIN: resource temporarily unavailable",
    });
    perform(local, [send(theirs, new Uint8Array(1))]);
    assert.throws(() => takeMaster(local, ours), { message: "receive the container's terminal: no descriptor came" });
  } finally {
    perform(local, [close(ours), close(theirs)]);
  }
});
