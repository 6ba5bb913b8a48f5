/** All network devices of a container: moved together, or none. */

import { openat } from '../../../native/calls/files.ts';
import { routeSocket } from '../../../native/calls/netlink.ts';
import { setns } from '../../../native/calls/process.ts';
import { AT, O } from '../../../native/constants/files.ts';
import { CLONE } from '../../../native/constants/process.ts';
import { Batch, resultOf } from '../../../native/kernel/batch.ts';
import type { Pid } from '../../../native/kernel/numbers.ts';
import { opened } from '../../../native/kernel/owned.ts';
import { perform } from '../../../native/kernel/perform.ts';
import type { Platform } from '../../../native/platform.ts';
import { OwnedStage } from '../../../native/stage/owned-stage.ts';
import type { ContainerRecord } from '../../../spec/record.ts';
import { doing, EffectError } from '../../error.ts';
import { namespaceId } from '../id.ts';
import { type Moved, moveIn, moveOut, type Sides } from './move.ts';

/** Brings the devices back, if the creation fails later. Once there is a container, they go when its namespace goes. */
type GiveBack = () => void;

/**
 * @param pid of the init, which is in the container's network namespace
 * @throws EffectError; then the host's devices are as they were
 */
export function moveNetDevices(platform: Platform, { config, options, owner }: ContainerRecord, pid: Pid): GiveBack {
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
      // The init is gone. The kernel has ended the namespace, and given back the physical devices itself.
    }
  };
}

/** The numbers of the stage's descriptors beyond the standard ones: the container's namespace, and the host's. */
const CONTAINER = 3;
const HOST = 4;

/**
 * Calls `act` with a route on each side. Inside it is a stage's: the stage has the host's rights in the container's
 * namespace, whoever owns that.
 * @throws EffectError
 */
function withSides(platform: Platform, path: string, act: (sides: Sides) => void): void {
  const { local } = platform;
  using theirs = doing(`open ${path}`, () => opened(local, openat(AT.FDCWD, path, O.RDONLY)));
  using own = doing('open /proc/self/ns/net', () => opened(local, openat(AT.FDCWD, '/proc/self/ns/net', O.RDONLY)));
  using socket = doing('open a netlink socket', () => opened(local, routeSocket()));
  const spawn = () => platform.spawnStage([0, 1, 2, theirs.fd, own.fd], 'stage');
  using owned = new OwnedStage(local, doing('start the stage', spawn));
  const { kernel } = owned.stage;
  const joining = new Batch();
  joining.add(setns(CONTAINER, CLONE.NEWNET));
  const inside = joining.add(routeSocket());
  const results = doing(`join ${path}`, () => perform(kernel, joining.calls));
  act({
    outside: { kernel: local, socket: socket.fd, namespace: theirs.fd },
    inside: { kernel, socket: resultOf(results, inside), namespace: HOST },
  });
}
