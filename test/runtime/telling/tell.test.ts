/** How a command tells a watcher: by sends that never wait, and whatever becomes of them. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO } from '../../../native/constants/errno.ts';
import { MSG } from '../../../native/constants/socket.ts';
import type { Call, Kernel } from '../../../native/kernel/kernel.ts';
import { tellWatcher } from '../../../runtime/telling/tell.ts';
import type { Line } from '../../../spec/watch/lines.ts';

const ABOUT = { pid: 7, command: 'run', id: 'c1', root: '/r' };

/** A socket that takes what it is sent, or answers as the test says. */
function socket() {
  const packets: Line[][] = [];
  const closed: unknown[] = [];
  const made = { packets, closed, answer: 0, flags: new Set<unknown>() };
  const perform = ({ name, args }: Call): number => {
    if (name === 'close') return closed.push(args[0]) * 0;
    assert.equal(name, 'sendto');
    made.flags.add(args[3]);
    if (made.answer < 0) return made.answer;
    packets.push(
      new TextDecoder()
        .decode(args[1] as Uint8Array)
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
    return (args[1] as Uint8Array).length;
  };
  const kernel: Kernel = {
    performer: 'test',
    submit: (calls) => ({ results: calls.map(perform), stoppedAt: undefined }),
  };
  return Object.assign(made, { telling: tellWatcher(kernel, { fd: 400, wantsValues: false }, ABOUT) });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const typesOf = (packet: readonly Line[] | undefined) => packet?.map(({ type }) => type);

test('what happens in one turn is one packet, and the command is told with it', async () => {
  const { telling, packets, flags, closed } = socket();
  await turn();
  assert.deepEqual(packets, [], 'a command that has done nothing is not told');
  telling.warned('a');
  telling.warned('b');
  await turn();
  telling.ended(1, 'failed');
  assert.deepEqual(packets.map(typesOf), [['command', 'warning', 'warning'], ['end']]);
  assert.deepEqual(new Set(packets.flat().map(({ run }) => run)).size, 1);
  assert.deepEqual([...flags], [MSG.NOSIGNAL | MSG.DONTWAIT]);
  assert.deepEqual(closed, [400]);
});

test('what the socket does not take is lost, and the watcher is told how much', async () => {
  const made = socket();
  made.answer = -ERRNO.EAGAIN;
  made.telling.warned('a');
  await turn();
  made.telling.warned('b');
  await turn();
  made.answer = 0;
  made.telling.warned('c');
  await turn();
  assert.deepEqual(made.packets.map(typesOf), [['lost', 'warning']]);
  const [[lost] = []] = made.packets;
  assert.equal(lost?.type === 'lost' && lost.count, 3, 'the command, a and b');
  assert.deepEqual(made.closed, []);
});

test('long lines go in packets of their own', async () => {
  const { telling, packets } = socket();
  for (let i = 0; i < 5; i++) telling.warned('x'.repeat(50_000));
  await turn();
  assert.equal(packets.length, 5);
});

test('a watcher that is gone is told nothing more', async () => {
  const made = socket();
  made.answer = -ERRNO.EPIPE;
  made.telling.warned('a');
  await turn();
  assert.deepEqual(made.closed, [400]);
  made.answer = 0;
  made.telling.warned('b');
  made.telling.ended(0);
  await turn();
  assert.deepEqual([made.packets, made.closed], [[], [400]], 'it is closed once');
});

test('a command that another process performs is not told', async () => {
  const { telling, packets, closed } = socket();
  telling.dropped();
  telling.ended(0);
  await turn();
  assert.deepEqual([packets, closed], [[], [400]]);
});
