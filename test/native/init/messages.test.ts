/** What the real init does with messages that our own code would never write, and while it waits for `start`. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { endingIn } from '../../../native/calls/ending.ts';
import { close } from '../../../native/calls/files.ts';
import { getpid, SIGINFO_BYTES, setRlimit, waitid } from '../../../native/calls/process.ts';
import { accept, bindUnix, connectUnix, listen, socket } from '../../../native/calls/sockets.ts';
import { P, RLIMIT, W } from '../../../native/constants/process.ts';
import { AF, SOCK } from '../../../native/constants/socket.ts';
import { SYSNO } from '../../../native/constants/sysno.ts';
import { initProgram } from '../../../native/init/program.ts';
import type { Call } from '../../../native/kernel/kernel.ts';
import { call, perform } from '../../../native/kernel/perform.ts';
import { out, viewOf } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import { remoteKernel } from '../../../native/performers/remote.ts';
import { spawnStage } from '../../../native/stage/spawn.ts';

const libc = loadLibc();
const local = localKernel(libc);
const column = process.arch === 'arm64' ? 1 : 0;

const HEADER_BYTES = 16;
const CALL_BYTES = 56;
const MAY_FAIL = 1 << 8;
const CHILD_SERVES = 1 << 9;
const SERVE = 1 << 10;

interface RawCall {
  readonly name: keyof typeof SYSNO;
  readonly flags?: number;
  readonly args?: readonly (number | bigint)[];
}
interface Header {
  readonly size?: number;
  readonly count?: number;
  readonly outBytes?: number;
  readonly after?: number;
}

/** A message as native/init/init.c reads it. The fields of the header may be lies. */
function message(calls: readonly RawCall[], header: Header = {}): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + calls.length * CALL_BYTES);
  const view = viewOf(bytes);
  const { size = bytes.length, count = calls.length, outBytes = 0, after = 0 } = header;
  [size, count, outBytes, after].forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  calls.forEach(({ name, flags = 0, args = [] }, i) => {
    const at = HEADER_BYTES + i * CALL_BYTES;
    view.setUint32(at, SYSNO[name][column], true);
    view.setUint32(at + 4, flags, true);
    args.forEach((arg, j) => {
      view.setBigUint64(at + 8 + j * 8, BigInt.asUintN(64, BigInt(arg)), true);
    });
  });
  return bytes;
}

/** The words of the answer, which comes in one piece. Undefined where the connection ended. */
function ask(connection: number, bytes: Uint8Array): readonly bigint[] | undefined {
  const answer = new Uint8Array(4096);
  try {
    writeSync(connection, bytes);
    const n = readSync(connection, answer);
    return n === 0 ? undefined : [...new BigInt64Array(answer.buffer, 0, n >> 3)];
  } catch (error) {
    // The connection ended before we wrote, or before all of it was read.
    if (error instanceof Error && 'code' in error && ['ECONNRESET', 'EPIPE'].includes(String(error.code)))
      return undefined;
    throw error;
  }
}

const own = { name: 'getpid' } as const;
const malformed: Record<string, Uint8Array> = {
  'a result far beyond all memory': message([own, { name: 'close', flags: 1 | MAY_FAIL, args: [1n << 60n] }]),
  'a result of its own': message([own, { name: 'close', flags: 1 | MAY_FAIL, args: [1] }]),
  'a result that would be there later': message([{ name: 'close', flags: 1 | MAY_FAIL, args: [1] }, own]),
  'a result in its last argument': message([{ name: 'close', flags: (1 << 5) | MAY_FAIL, args: [0, 0, 0, 0, 0, 7] }]),
  'out buffers larger than its answer can be': message([own], { outBytes: 0xffff_ffff }),
  'out buffers that leave no room for the results': message([own], { outBytes: (8 << 20) - 8 }),
  'more calls than it has bytes': message([own], { count: 2 }),
  'more calls than 32 bits of bytes': message([own], { count: 0xffff_ffff }),
  'a size that is less than a header': message([], { size: 15 }),
  'a size that is more than there is room for': message([own], { size: 0xffff_ffff }),
  'a flag that nobody knows': message([{ name: 'getpid', flags: 1 << 11 }]),
  'a child that serves, of a call that makes none': message([{ name: 'getppid', flags: CHILD_SERVES }]),
  'a call to serve on that accepts nothing': message([{ name: 'getpid', flags: SERVE }]),
  'a call to serve on that asks for a result': message([own, { name: 'accept4', flags: SERVE | 1, args: [0] }]),
  'a call to serve on that is not the last': message([{ name: 'accept4', flags: SERVE, args: [0] }, own]),
};

/**
 * An init that waits for `start`, and how to reach it.
 * @param before calls that it performs just before it waits
 */
function waitingInit(...before: readonly Call[]) {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
  const path = join(folder, 'start.sock');
  const { pid, kernel, connection } = spawnStage(libc, local, {
    program: initProgram(),
    descriptors: [0, 1, 2],
    performer: 'stage',
  });
  const listener = call(kernel, socket(AF.UNIX, SOCK.STREAM));
  perform(kernel, [bindUnix(listener, path), listen(listener), ...before, { ...accept(listener), serve: true }]);
  perform(local, [close(connection)]);
  return {
    pid,
    connect(): number {
      const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
      perform(local, [connectUnix(fd, path)]);
      return fd;
    },
    end(): number {
      const fd = this.connect();
      ask(fd, message([{ name: 'exit_group', args: [7] }]));
      const status = statusOf(pid);
      perform(local, [close(fd)]);
      rmSync(folder, { recursive: true });
      return status;
    },
  };
}

/** Waits until a child has ended. @returns its exit status */
function statusOf(pid: number): number {
  const info = out(SIGINFO_BYTES);
  perform(local, [waitid(P.PID, pid, info, W.EXITED)]);
  const { how, status } = endingIn(info).ending;
  assert.equal(how, 'exited', 'no signal ended it');
  return status;
}

function isAsleep(pid: number): boolean {
  const state = /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  assert.notEqual(state, 'Z', 'it goes on waiting');
  return state === 'S';
}

describe('a malformed message', () => {
  for (const [what, bytes] of Object.entries(malformed))
    it(`ends its connection, and nothing else of an init that waits: ${what}`, () => {
      const init = waitingInit();
      const connection = init.connect();
      assert.equal(ask(connection, bytes), undefined);
      perform(local, [close(connection)]);
      const next = init.connect();
      assert.equal(call(remoteKernel(libc, next, 'init'), getpid()), init.pid, 'it goes on serving');
      perform(local, [close(next)]);
      assert.equal(init.end(), 7);
    });

  it('ends an init that nobody else can reach, by no signal', () => {
    for (const bytes of Object.values(malformed)) {
      const { pid, connection } = spawnStage(libc, local, {
        program: initProgram(),
        descriptors: [0, 1, 2],
        performer: 'stage',
      });
      assert.equal(ask(connection, bytes), undefined);
      assert.equal(statusOf(pid), 0);
      perform(local, [close(connection)]);
    }
  });

  it('has none of its calls performed', () => {
    const init = waitingInit();
    const connection = init.connect();
    const exit = { name: 'exit_group', args: [1] } as const;
    assert.equal(ask(connection, message([exit, { name: 'close', flags: 1, args: [1] }])), undefined);
    perform(local, [close(connection)]);
    assert.equal(init.end(), 7);
  });
});

describe('a connection to an init that waits', () => {
  it('is served once there are descriptors again, and the init sleeps until then', async () => {
    const few = 3;
    const enough = 64;
    const init = waitingInit(setRlimit(0, RLIMIT.RLIMIT_NOFILE, few, enough));
    const connection = init.connect();
    // accept4 fails at once. An init that called it again at once would never be seen asleep.
    while (!isAsleep(init.pid)) await setTimeout(1);
    perform(local, [setRlimit(init.pid, RLIMIT.RLIMIT_NOFILE, enough, enough)]);
    assert.equal(call(remoteKernel(libc, connection, 'init'), getpid()), init.pid);
    perform(local, [close(connection)]);
    assert.equal(init.end(), 7);
  });

  it('does not take over that the batch before it was stopped', () => {
    const init = waitingInit();
    const first = init.connect();
    assert.deepEqual(ask(first, message([{ name: 'close', args: [999] }])), [1n, -9n]);
    perform(local, [close(first)]);
    const second = init.connect();
    assert.deepEqual(ask(second, message([own], { after: 1 })), [1n, BigInt(init.pid)]);
    perform(local, [close(second)]);
    assert.equal(init.end(), 7);
  });
});
