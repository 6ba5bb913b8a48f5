/** All network devices of a container: moved together, or none. */

import { close, openat } from '../../../native/calls/files.ts';
import { routeSocket } from '../../../native/calls/netlink.ts';
import { setns } from '../../../native/calls/process.ts';
import { reapChild } from '../../../native/calls/reap.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { CLONE } from '../../../native/constants/process.ts';
import { attempt, call, perform } from '../../../native/kernel/perform.ts';
import type { Platform } from '../../../native/platform.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import { doing, EffectError } from '../../error.ts';
import { namespaceId } from '../id.ts';
import { type Moved, moveIn, moveOut, type Sides } from './move.ts';

/** Brings them back: for a creation that fails later. Once there is a container, they go as its namespace goes. */
type GiveBack = () => void;

/**
 * @param pid of the init, which is in the namespace
 * @throws EffectError; the host's devices are as they were then
 */
export function moveNetDevices(platform: Platform, { config, options, owner }: ContainerRecord, pid: number): GiveBack {
  const devices = Object.entries(config.linux?.netDevices ?? {});
  if (owner !== 0 || options.rootlessCgroups === true)
    throw new EffectError('network devices are not supported for rootless containers');
  const path = `/proc/${pid}/ns/net`;
  if (namespaceId(platform.local, String(pid), 'net') === namespaceId(platform.local, 'self', 'net'))
    throw new EffectError("unable to move network devices: the container's network namespace is the runtime's own");
  const moved: Moved[] = [];
  withSides(platform, path, (sides) => {
    try {
      for (const [name, { name: inner = '' }] of devices)
        doing(`move netDevice ${name} to namespace ${path}`, () => moved.push(moveIn(sides, name, inner || name)));
    } catch (error) {
      for (const one of moved.toReversed()) moveOut(sides, one);
      throw error;
    }
  });
  return () => {
    try {
      withSides(platform, path, (sides) => {
        for (const one of moved.toReversed()) moveOut(sides, one);
      });
    } catch {
      // The init is gone, and the kernel has done with the namespace what it does.
    }
  };
}

const NET = 3;

/** The inside is a stage's: it has the host's rights in the container's namespace, whoever owns that. @throws EffectError */
function withSides(platform: Platform, path: string, act: (sides: Sides) => void): void {
  const { local } = platform;
  const opened: number[] = [];
  const open = (what: ReturnType<typeof openat>): number => {
    const fd = call(local, what);
    opened.push(fd);
    return fd;
  };
  try {
    const theirs = doing(`open ${path}`, () => open(openat(AT.FDCWD, path, O.RDONLY)));
    const own = doing('open /proc/self/ns/net', () => open(openat(AT.FDCWD, '/proc/self/ns/net', O.RDONLY)));
    const socket = doing('open a netlink socket', () => open(routeSocket()));
    const stage = doing('start the stage', () => platform.spawnStage([0, 1, 2, theirs, own], 'stage'));
    try {
      const inside = doing(`join ${path}`, () => perform(stage.kernel, [setns(NET, CLONE.NEWNET), routeSocket()]));
      act({
        outside: { kernel: local, socket, namespace: theirs },
        inside: { kernel: stage.kernel, socket: inside[1] ?? -1, namespace: NET + 1 },
      });
    } finally {
      attempt(local, close(stage.connection));
      reapChild(local, stage.pid);
    }
  } finally {
    for (const fd of opened) attempt(local, close(fd));
  }
}
