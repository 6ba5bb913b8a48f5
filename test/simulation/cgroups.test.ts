/** Cgroups in the real hybrid layout and in the simulated one: members, removal, freezing and devices. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { close, mkdirat, openat, read, unlinkat, write } from '../../native/calls/files.ts';
import { socketPair } from '../../native/calls/pair.ts';
import { clone3, kill, waitid } from '../../native/calls/process.ts';
import { AT, O } from '../../native/constants/files.ts';
import { CLONE, P, W } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { type Call, type Kernel, LostPeerError } from '../../native/kernel/kernel.ts';
import { Owned } from '../../native/kernel/owned.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Platform } from '../../native/platform.ts';
import { outcome, submit } from './both.ts';
import { simulatedPlatform } from './platform.ts';
import { World } from './world.ts';

const name = `runchart-simulated-${process.pid}`;
const UNIFIED = `/sys/fs/cgroup/unified/${name}`;
const FREEZER = `/sys/fs/cgroup/freezer/${name}`;
const DEVICES = `/sys/fs/cgroup/devices/${name}`;
const skip =
  process.getuid?.() !== 0
    ? 'cgroups for real need root'
    : ['unified', 'freezer', 'devices'].every((one) => existsSync(`/sys/fs/cgroup/${one}`))
      ? false
      : 'this host has no hybrid cgroup layout';

const mkdir = (path: string): Call => mkdirat(AT.FDCWD, path, 0o755);
const rmdir = (path: string): Call => unlinkat(AT.FDCWD, path, AT.REMOVEDIR);

function put(kernel: Kernel, path: string, text: string): string {
  const fd = attempt(kernel, openat(AT.FDCWD, path, O.WRONLY));
  if (fd < 0) return outcome(fd);
  using file = new Owned(kernel, fd);
  const written = attempt(kernel, write(file.fd, text));
  return written < 0 ? outcome(written) : 'done';
}

function get(kernel: Kernel, path: string): string {
  const into = out(4096);
  const fd = attempt(kernel, openat(AT.FDCWD, path, O.RDONLY));
  if (fd < 0) return outcome(fd);
  using file = new Owned(kernel, fd);
  const length = attempt(kernel, read(file.fd, into));
  return length < 0 ? outcome(length) : new TextDecoder().decode(into.bytes.subarray(0, length));
}

function both(title: string, scenario: (platform: Platform) => unknown[]): void {
  test(title, { skip }, () => {
    const [inReal, inSimulated] = [hostPlatform(), simulatedPlatform(new World('hybrid'))].map(scenario);
    assert.deepEqual(inSimulated, inReal);
  });
}

const reap = ({ local }: Platform, pid: number): string[] => submit(local, waitid(P.PID, pid, out(128), W.EXITED));

both('a cgroup with members or children stays', (platform) => {
  const { local } = platform;
  const { pid, connection, kernel } = platform.spawnStage([0, 1, 2], 'stage');
  const made = submit(local, mkdir(UNIFIED), mkdir(UNIFIED), mkdir(`${UNIFIED}/child`));
  const moved = put(kernel, `${UNIFIED}/cgroup.procs`, '0');
  const members = get(local, `${UNIFIED}/cgroup.procs`) === `${pid}\n`;
  const events = get(local, `${UNIFIED}/cgroup.events`);
  const withBoth = submit(local, rmdir(UNIFIED), rmdir(`${UNIFIED}/child`), rmdir(UNIFIED));
  const wrong = [put(local, `${UNIFIED}/cgroup.procs`, '999999999'), put(local, `${UNIFIED}/none`, '1')];
  perform(local, [close(connection)]);
  // A zombie is not a member any more.
  const ended = [
    ...reap(platform, pid),
    get(local, `${UNIFIED}/cgroup.procs`),
    ...submit(local, rmdir(UNIFIED), rmdir(UNIFIED)),
  ];
  return [made, moved, members, events, withBoth, wrong, ended];
});

both('a child is born into a cgroup v2, and cgroup.kill ends it', (platform) => {
  const { local } = platform;
  const [ours, theirs] = socketPair(local);
  perform(local, [mkdir(UNIFIED), mkdir(FREEZER)]);
  const { pid, connection, kernel } = platform.spawnStage([0, 1, 2, theirs], 'stage');
  const cgroup = call(kernel, openat(AT.FDCWD, UNIFIED, O.PATH | O.DIRECTORY));
  const legacy = call(kernel, openat(AT.FDCWD, FREEZER, O.PATH | O.DIRECTORY));
  const refused = submit(kernel, clone3({ flags: CLONE.INTO_CGROUP, cgroup: legacy, exitSignal: 17, childServes: 3 }));
  const child = call(kernel, clone3({ flags: CLONE.INTO_CGROUP + CLONE.PARENT, cgroup, childServes: 3 }));
  const members = get(local, `${UNIFIED}/cgroup.procs`) === `${child}\n`;
  const killed = put(local, `${UNIFIED}/cgroup.kill`, '1');
  const ended = reap(platform, child);
  perform(local, [close(ours), close(theirs), close(connection), waitid(P.PID, pid, out(128), W.EXITED)]);
  return [refused, members, killed, ended, submit(local, rmdir(UNIFIED), rmdir(FREEZER))];
});

both('on v1 what is killed while it is frozen ends once it thaws', (platform) => {
  const { local } = platform;
  const { pid, connection, kernel } = platform.spawnStage([0, 1, 2], 'stage');
  perform(local, [mkdir(FREEZER)]);
  const moved = put(kernel, `${FREEZER}/cgroup.procs`, '0');
  const frozen = [
    put(local, `${FREEZER}/freezer.state`, 'FROZEN'),
    get(local, `${FREEZER}/cgroup.procs`) === `${pid}\n`,
  ];
  // It takes a moment to freeze a process that is busy.
  while (get(local, `${FREEZER}/freezer.state`) === 'FREEZING\n');
  perform(local, [mkdir(`${FREEZER}/child`)]);
  for (const path of [FREEZER, `${FREEZER}/child`])
    for (const file of ['state', 'self_freezing', 'parent_freezing'])
      frozen.push(get(local, `${path}/freezer.${file}`));
  frozen.push(put(local, `${FREEZER}/freezer.state`, 'nonsense'));
  perform(local, [rmdir(`${FREEZER}/child`)]);
  const killed = submit(local, kill(pid, SIGNALS.SIGKILL), rmdir(FREEZER));
  const info = out(128);
  const waiting = submit(local, waitid(P.PID, pid, info, W.EXITED | W.NOHANG));
  const stillThere = info.bytes.every((byte) => byte === 0);
  const thawed = [put(local, `${FREEZER}/freezer.state`, 'THAWED'), ...reap(platform, pid)];
  perform(local, [close(connection)]);
  assert.throws(() => kernel.submit([{ name: 'getpid', args: [] }]), LostPeerError);
  return [moved, frozen, killed, waiting, stillThere, thawed, submit(local, rmdir(FREEZER))];
});

both('device rules change the list as the kernel has it', ({ local }) => {
  perform(local, [mkdir(DEVICES)]);
  const facts: unknown[] = [get(local, `${DEVICES}/devices.list`)];
  for (const [file, rule] of [
    ['deny', 'a *:* rwm'],
    ['allow', 'c 1:3 rw'],
    ['allow', 'c 1:3 m'],
    ['allow', 'b *:* m'],
    ['deny', 'c 1:3 w'],
    ['deny', 'b *:* m'],
    ['allow', 'nonsense'],
    ['allow', 'a'],
    ['deny', 'c 5:1 r'],
  ] as const)
    facts.push([put(local, `${DEVICES}/devices.${file}`, rule), get(local, `${DEVICES}/devices.list`)]);
  return [...facts, submit(local, rmdir(DEVICES))];
});
