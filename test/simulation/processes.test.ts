/** Processes, sockets and locks: the simulated kernel does what the real one does, in the same words. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  chdir,
  close,
  closeRange,
  dup3,
  fchdir,
  flock,
  mkdirat,
  openat,
  read,
  unlinkat,
  write,
} from '../../native/calls/files.ts';
import { mount, moveMountTo, openTree, pivotRoot, umount2 } from '../../native/calls/mounts.ts';
import { socketPair } from '../../native/calls/pair.ts';
import { clone3, execve, kill, pidfdOpen, pidfdSendSignal, waitid } from '../../native/calls/process.ts';
import {
  accept,
  bindUnix,
  connectUnix,
  listen,
  receiveBuffers,
  receivedDescriptors,
  receiveMessage,
  sendDescriptors,
  socket,
} from '../../native/calls/sockets.ts';
import { AT, LOCK, O } from '../../native/constants/files.ts';
import { MNT, MS } from '../../native/constants/mount.ts';
import { CLONE, P, W } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { AF, POLL, SOCK } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { Batch } from '../../native/kernel/batch.ts';
import { type Call, LostPeerError } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out, viewOf } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import { outcome, submit } from './both.ts';
import { writeFile } from './host.ts';
import { simulatedPlatform } from './platform.ts';
import { World } from './world.ts';

const skip = process.getuid?.() === 0 ? false : 'namespaces for real need root';
const real = hostPlatform();
const folder = `/tmp/runchart-simulated-processes-${process.pid}`;
const getpid: Call = { name: 'getpid', args: [] };
const getppid: Call = { name: 'getppid', args: [] };

/** What a scenario found out, a line for each thing. */
type Facts = unknown[];
type Scenario = (platform: Platform) => Facts | Promise<Facts>;

/** Runs a scenario in both kernels, each with an empty folder, and compares what it found out. */
function both(name: string, scenario: Scenario): void {
  test(name, { skip }, async () => {
    const world = new World();
    writeFile(world, '/bin/true', '', 0o755);
    writeFile(world, '/etc/passwd', '');
    world.programs.set('/bin/true', () => 0);
    const facts: Facts[] = [];
    for (const platform of [real, simulatedPlatform(world)]) {
      call(platform.local, mkdirat(AT.FDCWD, folder, 0o755));
      facts.push(await scenario(platform));
      call(platform.local, unlinkat(AT.FDCWD, folder, AT.REMOVEDIR));
    }
    assert.deepEqual(facts[1], facts[0]);
    assert.deepEqual([...world.unmodelled], []);
  });
}

const children: number[] = [];
after(() =>
  assert.deepEqual(
    children.map((pid) => outcome(attempt(real.local, kill(pid, 0)))),
    children.map(() => 'ESRCH'),
  ),
);

/** Waits until a child has ended, and tells how. */
function wait({ local }: Platform, pid: number, options: number = W.EXITED): Facts {
  const info = out(128);
  const waited = attempt(local, waitid(P.PID, pid, info, options));
  const view = viewOf(info.bytes);
  return [outcome(waited), view.getInt32(8, true), view.getInt32(16, true) === pid, view.getInt32(24, true)];
}

/** A stage, and a child of this process in new namespaces, made as a container's init is. */
function startInit(platform: Platform, flags: number) {
  const { local } = platform;
  const [ours, theirs] = socketPair(local);
  const stage = platform.spawnStage([0, 1, 2, theirs], 'stage');
  const pid = call(stage.kernel, clone3({ flags: flags | CLONE.PARENT, childServes: 3 }));
  perform(local, [close(theirs), close(stage.connection)]);
  const stageEnd = wait(platform, stage.pid);
  if (platform === real) children.push(stage.pid, pid);
  return { pid, ours, kernel: platform.kernelBehind(ours, 'init'), stageEnd };
}

both('a stage ends with its connection', (platform) => {
  const { kernel, pid, connection, socket: own } = platform.spawnStage([0, 1, 2], 'stage');
  const same = call(kernel, getpid) === pid;
  const before = wait(platform, pid, W.EXITED | W.NOHANG);
  const facts = [
    own,
    same,
    before,
    submit(platform.local, close(connection)),
    wait(platform, pid),
    wait(platform, pid),
  ];
  assert.throws(() => kernel.submit([getpid]), LostPeerError);
  return facts;
});

both('an init is a child of this process, and the first of its pid namespace', (platform) => {
  const { pid, ours, kernel, stageEnd } = startInit(platform, CLONE.NEWPID | CLONE.NEWNS | CLONE.NEWUTS);
  const own = perform(kernel, [getpid, getppid]);
  const orphan = submit(kernel, clone3({ flags: CLONE.PARENT, childServes: 3 }));
  // The child has closed its parent's socket, and ends.
  const grandchild = call(kernel, clone3({ flags: 0, exitSignal: SIGNALS.SIGCHLD, childServes: 3 }));
  const reaped = submit(kernel, waitid(P.PID, grandchild, out(128), W.EXITED));
  const ignored = submit(platform.local, kill(pid, SIGNALS.SIGTERM), kill(pid, SIGNALS.SIGUSR1));
  const still = call(kernel, getpid);
  const pidfd = call(platform.local, pidfdOpen(pid));
  const killed = submit(platform.local, pidfdSendSignal(pidfd, SIGNALS.SIGKILL));
  const end = wait(platform, pid);
  const gone = submit(platform.local, pidfdSendSignal(pidfd, 0), close(pidfd), close(ours), kill(pid, 0));
  return [own, stageEnd, orphan, grandchild, reaped, ignored, still, killed, end, gone];
});

both('clone3 refuses what does not go together', (platform) => {
  const stage = platform.spawnStage([0, 1, 2], 'stage');
  const facts = [
    submit(stage.kernel, clone3({ flags: CLONE.PARENT, exitSignal: SIGNALS.SIGCHLD, childServes: 0 })),
    submit(stage.kernel, clone3({ flags: CLONE.INTO_CGROUP, cgroup: 99, childServes: 0 })),
  ];
  perform(platform.local, [close(stage.connection)]);
  return [...facts, wait(platform, stage.pid)];
});

both('an init waits for one connection after the other, and executes a program', async (platform) => {
  const { local } = platform;
  const listener = call(local, socket(AF.UNIX, SOCK.STREAM));
  const early = call(local, socket(AF.UNIX, SOCK.STREAM));
  const facts: Facts = [
    submit(local, connectUnix(early, `${folder}/none`), listen(listener)),
    submit(local, bindUnix(listener, `${folder}/socket`), connectUnix(early, `${folder}/socket`), listen(listener)),
    submit(local, bindUnix(early, `${folder}/socket`), close(early)),
  ];
  const { kernel, pid, connection } = platform.spawnStage([0, 1, 2, listener], 'stage');
  perform(local, [close(listener)]);
  perform(kernel, [closeRange(4, 0xffff, 4), dup3(3, 9, O.CLOEXEC), close(3), { ...accept(9), serve: true }]);
  perform(local, [close(connection)]);
  for (let round = 0; round < 2; round++) {
    const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
    perform(local, [connectUnix(fd, `${folder}/socket`)]);
    facts.push(call(platform.kernelBehind(fd, 'init'), getpid) === pid, submit(local, close(fd)));
  }
  const fd = call(local, socket(AF.UNIX, SOCK.STREAM));
  perform(local, [connectUnix(fd, `${folder}/socket`), unlinkat(AT.FDCWD, `${folder}/socket`)]);
  const init = platform.kernelBehind(fd, 'init');
  facts.push(submit(init, execve('/none', ['none'], []), execve('/bin', ['bin'], []), execve('/etc/passwd/x', [], [])));
  perform(init, [closeRange(3, 0xffff, 4)]);
  assert.throws(() => init.submit([execve('/bin/true', ['true'], [])]), LostPeerError);
  const pidfd = call(local, pidfdOpen(pid));
  facts.push(await platform.poll([{ fd: pidfd, events: POLL.IN }]), submit(local, close(fd), close(pidfd)));
  return [...facts, wait(platform, pid)];
});

both('messages carry bytes and descriptors', ({ local }) => {
  const [ours, theirs] = socketPair(local);
  const [reader, writer] = socketPair(local);
  perform(local, [sendDescriptors(ours, [writer]), close(writer)]);
  const buffers = receiveBuffers(2);
  const received = call(local, receiveMessage(theirs, buffers));
  const [copy = -1, ...more] = receivedDescriptors(buffers.control);
  const text = out(3);
  perform(local, [write(copy, 'hello'), read(reader, text), close(copy)]);
  const rest = out(8);
  const sizes = perform(local, [read(reader, rest), read(reader, rest)]);
  const broken = submit(local, { name: 'sendto', args: [reader, new Uint8Array(1), 1, 0x4000, null, 0] });
  const wrong = submit(local, listen(reader), accept(reader), read(99, text));
  perform(local, [close(ours), close(theirs), close(reader)]);
  return [received, more, text.bytes.join(), sizes, broken, wrong];
});

both('a lock belongs to an open file, and goes with it', ({ local }) => {
  const open = () => call(local, openat(AT.FDCWD, folder, O.RDONLY | O.DIRECTORY));
  const [one, two] = [open(), open()];
  const twin = call(local, { name: 'fcntl', args: [one, 1030, 0] });
  const tries = [LOCK.EX, LOCK.SH].map((kind) => submit(local, flock(two, kind | LOCK.NB)));
  const facts = [
    submit(local, flock(one, LOCK.SH), flock(two, LOCK.SH | LOCK.NB), flock(two, LOCK.UN)),
    submit(local, flock(one, LOCK.EX), flock(two, LOCK.EX | LOCK.NB), flock(two, LOCK.SH | LOCK.NB)),
    submit(local, close(one), flock(two, LOCK.EX | LOCK.NB), close(twin), flock(two, LOCK.EX | LOCK.NB), close(two)),
  ];
  return [tries, ...facts];
});

both('pivot_root onto itself leaves nothing of the old root', (platform) => {
  const { pid, ours, kernel } = startInit(platform, CLONE.NEWNS);
  const early = submit(kernel, pivotRoot('.', '.'), umount2('/none', 0), umount2('/', 0));
  const pivot = new Batch();
  pivot.add(mount('', '/', null, MS.SLAVE | MS.REC, null));
  const tree = pivot.add(openTree(AT.FDCWD, folder, { clone: true, recursive: true }));
  pivot.add(moveMountTo(tree, AT.FDCWD, folder));
  const oldRoot = pivot.add(openat(AT.FDCWD, '/', O.PATH | O.DIRECTORY));
  pivot.add(fchdir(tree));
  pivot.add(pivotRoot('.', '.'));
  pivot.add(fchdir(oldRoot));
  pivot.add(mount('', '.', null, MS.SLAVE | MS.REC, null));
  pivot.add(umount2('.', MNT.DETACH));
  pivot.add(chdir('/'));
  perform(kernel, pivot.calls);
  const after = submit(
    kernel,
    openat(AT.FDCWD, '/tmp', O.PATH),
    openat(AT.FDCWD, '/../../made', O.PATH),
    openat(AT.FDCWD, '.', O.PATH),
    mkdirat(AT.FDCWD, '/made', 0o755),
  );
  const seen = submit(platform.local, unlinkat(AT.FDCWD, `${folder}/made`, AT.REMOVEDIR));
  perform(platform.local, [close(ours)]);
  return [early, after, seen, wait(platform, pid)];
});
