/** Takes descriptors from an init that lies about them. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { takeDescriptors } from '../../../effects/init/channel.ts';
import { close } from '../../../native/calls/files.ts';
import { sendDescriptors, socketpair } from '../../../native/calls/sockets.ts';
import { SOCK } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { type Call, type Kernel, MalformedAnswerError } from '../../../native/kernel/kernel.ts';
import { perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';

const { local } = hostPlatform();

/** Takes a descriptor from an init that sends these instead, and says that it did as it was told. */
function taken(sent: readonly number[] | undefined): readonly number[] {
  const pair = out(8);
  perform(local, [socketpair(SOCK.STREAM, pair)]);
  const [ours = -1, theirs = -1] = [0, 4].map((at) => viewOf(pair.bytes).getInt32(at, true));
  const liar: Kernel = {
    performer: 'hook',
    submit(calls: readonly Call[]) {
      if (sent !== undefined) perform(local, [sendDescriptors(theirs, sent)]);
      return { results: calls.map(() => 1), stoppedAt: undefined };
    },
  };
  try {
    return takeDescriptors(local, liar, { ours, theirs }, [0]);
  } finally {
    perform(local, [close(ours), close(theirs)]);
  }
}

const opened = (): number => readdirSync('/proc/self/fd').length;

describe('descriptors that an init says it has sent', () => {
  it('are taken', () => {
    const [fd = -1, ...more] = taken([1]);
    assert.deepEqual(more, []);
    perform(local, [close(fd)]);
  });

  it('are not waited for where it has sent none', () => {
    assert.throws(() => taken(undefined), MalformedAnswerError);
  });

  it('are closed where it has sent more', () => {
    const before = opened();
    assert.throws(() => taken([1, 2]), /^MalformedAnswerError: the hook process .*\(2 descriptors came of 1 /);
    assert.throws(() => taken([1, 2, 1, 2, 1]), MalformedAnswerError);
    assert.equal(opened(), before);
  });
});
