/** The real init performs batches for a test. */

import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { after, test } from 'node:test';
import { endingIn } from '../../../native/calls/ending.ts';
import { close, closeRange, openat, read, readlinkat, write } from '../../../native/calls/files.ts';
import { clone3, waitid } from '../../../native/calls/process.ts';
import {
  accept,
  acceptFrom,
  bindUnix,
  connectUnix,
  listen,
  socket,
  socketpair,
} from '../../../native/calls/sockets.ts';
import { ERRNO } from '../../../native/constants/errno.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { P, W } from '../../../native/constants/process.ts';
import { AF, SOCK } from '../../../native/constants/socket.ts';
import { initProgram } from '../../../native/init/program.ts';
import { Batch, resultOf } from '../../../native/kernel/batch.ts';
import { type Call, LostPeerError } from '../../../native/kernel/kernel.ts';
import { call, perform } from '../../../native/kernel/perform.ts';
import { out, result } from '../../../native/kernel/struct.ts';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import { remoteKernel } from '../../../native/performers/remote.ts';
import { spawnStage } from '../../../native/stage/spawn.ts';

const libc = loadLibc();
const local = localKernel(libc);
const getpid: Call = { name: 'getpid', args: [] };

const reaped = new Set<number>();
const stages: number[] = [];
function stage() {
  const started = spawnStage(libc, local, { program: initProgram(), descriptors: [0, 1, 2], performer: 'stage' });
  stages.push(started.pid);
  return started;
}
function end(pid: number, socketFd: number): number {
  const info = out(128);
  perform(local, [close(socketFd), waitid(P.PID, pid, info, W.EXITED)]);
  reaped.add(pid);
  return endingIn(info).ending.status;
}
after(() => assert.deepEqual([...reaped].sort(), stages.sort(), 'every stage was reaped'));

test('performs a batch, with results as arguments and out buffers', () => {
  const { pid, kernel, connection } = stage();
  const text = out(64);
  const batch = new Batch();
  const own = batch.add(getpid);
  const file = batch.add(openat(AT.FDCWD, '/proc/self/comm', O.RDONLY));
  const length = batch.add(read(file, text));
  const results = perform(kernel, batch.calls);
  assert.equal(resultOf(results, own), pid);
  assert.ok(resultOf(results, file) > 3);
  assert.match(new TextDecoder().decode(text.bytes.subarray(0, resultOf(results, length))), /^\d+\n$/);
  assert.equal(end(pid, connection), 0);
});

test('stops at the first call that fails, unless it may fail', () => {
  const { pid, kernel, connection } = stage();
  const missing = openat(AT.FDCWD, '/no/such/file', O.RDONLY);
  const outcome = kernel.submit([{ ...missing, mayFail: true }, missing, getpid]);
  assert.deepEqual(outcome, { results: [-ERRNO.ENOENT, -ERRNO.ENOENT], stoppedAt: 1 });
  assert.equal(kernel.submit([getpid]).results[0], pid, 'it goes on serving');
  end(pid, connection);
});

test('runs from a sealed memfd, holds nothing but what it was given, and cannot be dumped', () => {
  const { pid, kernel, connection } = stage();
  assert.match(readlinkSync(`/proc/${pid}/exe`), /^\/memfd:runchart-init/);
  const link = out(100);
  const results = kernel.submit(
    [0, 1, 2, 3, 4, 5, 6, 7, 8].map((fd) => ({ ...readlinkat(AT.FDCWD, `/proc/self/fd/${fd}`, link), mayFail: true })),
  ).results;
  assert.deepEqual(
    results.map((r) => r > 0),
    [true, true, true, true, false, false, false, false, false],
  );
  assert.equal(call(kernel, { name: 'prctl', args: [3, 0, 0, 0, 0] }), 0);
  const exe = `/proc/${pid}/exe`;
  const opened = local.submit([openat(AT.FDCWD, exe, O.RDONLY)]).results[0] ?? -1;
  assert.ok(opened > 0);
  const writable = local.submit([openat(AT.FDCWD, `/proc/self/fd/${opened}`, O.RDWR), write(result(0), 'x')]);
  assert.notEqual(writable.stoppedAt, undefined, 'nobody writes to the program');
  local.submit([close(opened)]);
  end(pid, connection);
});

test('a cloned child serves on its own socket', () => {
  const { pid, kernel, connection } = stage();
  const pair = out(8);
  perform(kernel, [socketpair(SOCK.STREAM, pair)]);
  // The test reaches the child by a listening socket of the stage, without /proc.
  const path = `/tmp/runchart-test-${process.pid}.sock`;
  const listener = call(kernel, socket(AF.UNIX, SOCK.STREAM));
  perform(kernel, [bindUnix(listener, path), listen(listener)]);
  const ours = call(local, socket(AF.UNIX, SOCK.STREAM));
  perform(local, [connectUnix(ours, path)]);
  const theirs = call(kernel, accept(listener));
  const child = call(kernel, clone3({ flags: 0, exitSignal: 17, childServes: theirs }));
  perform(kernel, [close(theirs), { name: 'unlinkat', args: [AT.FDCWD, path, 0] }]);
  const init = remoteKernel(libc, ours, 'init');
  assert.equal(call(init, getpid), child);
  perform(local, [close(ours)]);
  perform(kernel, [waitid(P.PID, child, out(128), W.EXITED)]);
  end(pid, connection);
});

test('waits for one connection after the other, and ends with execve', () => {
  const { pid, kernel, connection } = stage();
  const path = `/tmp/runchart-test-${process.pid}-wait.sock`;
  const listener = call(kernel, socket(AF.UNIX, SOCK.STREAM));
  const own = process.geteuid?.() ?? 0;
  perform(kernel, [bindUnix(listener, path), listen(listener), { ...acceptFrom(listener, own), serve: true }]);
  perform(local, [close(connection)]);
  for (let round = 0; round < 2; round++) {
    const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
    perform(local, [connectUnix(fd, path)]);
    assert.equal(call(remoteKernel(libc, fd, 'init'), getpid), pid);
    perform(local, [close(fd)]);
  }
  const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
  perform(local, [connectUnix(fd, path)]);
  const init = remoteKernel(libc, fd, 'init');
  perform(init, [{ name: 'unlinkat', args: [AT.FDCWD, path, 0] }, closeRange(4, 1000, 4)]);
  assert.deepEqual(init.submit([{ name: 'execve', args: ['/no/such/program', null, null] }]).results, [-ERRNO.ENOENT]);
  const exit: Call = { name: 'exit_group', args: [7] };
  assert.throws(() => init.submit([exit]), LostPeerError);
  assert.equal(end(pid, fd), 7);
});

test('a batch of many strings and large out buffers', () => {
  const { pid, kernel, connection } = stage();
  const big = out(300_000);
  const many = Array.from(
    { length: 2000 },
    (_, i): Call => ({
      ...openat(AT.FDCWD, `/no/such/file/${'é'.repeat(i % 50)}`, O.RDONLY),
      mayFail: true,
    }),
  );
  const { results } = kernel.submit([...many, openat(AT.FDCWD, '/dev/zero', O.RDONLY), read(result(2000), big)]);
  assert.equal(results.length, 2002);
  assert.equal(results[2001], 300_000);
  end(pid, connection);
});
