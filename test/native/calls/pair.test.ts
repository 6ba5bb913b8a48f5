import assert from 'node:assert/strict';
import { it } from 'node:test';
import { close, read, write } from '../../../native/calls/files.ts';
import { pipe, socketPair } from '../../../native/calls/pair.ts';
import { O } from '../../../native/constants/files.ts';
import { SOCK } from '../../../native/constants/socket.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { call } from '../../../native/kernel/perform.ts';
import { out } from '../../../native/kernel/struct.ts';

const { local } = hostPlatform();

const arrives = (from: number, to: number): void => {
  const into = out(16);
  call(local, write(from, 'hello'));
  assert.equal(call(local, read(to, into)), 5);
  assert.equal(new TextDecoder().decode(into.bytes.subarray(0, 5)), 'hello');
};

it('what is written to a pipe is read at its first end', () => {
  const [reading, writing] = pipe(local, O.CLOEXEC);
  arrives(writing, reading);
  assert.throws(() => call(local, write(reading, 'back')), /EBADF/);
  for (const fd of [reading, writing]) call(local, close(fd));
});

for (const type of [SOCK.STREAM, SOCK.SEQPACKET]) {
  it(`a pair of sockets of type ${type} carries both ways`, () => {
    const [one, other] = socketPair(local, type);
    arrives(one, other);
    arrives(other, one);
    for (const fd of [one, other]) call(local, close(fd));
  });
}
