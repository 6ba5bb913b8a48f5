/**
 * The host's side of a container with a user namespace: a stage with the runtime's own rights in the container's mount
 * namespace. It opens what the container's root may not reach, and gives it to the init as descriptors. It acts in that
 * namespace and not in the runtime's, because there the mounts are the container's copies already: they are slaves, and
 * their flags are locked.
 */

import { close, closeRange } from '../../native/calls/files.ts';
import { pidfdOpen, setns } from '../../native/calls/process.ts';
import { CLONE } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { perform } from '../../native/kernel/perform.ts';
import { OwnedStage } from '../../native/stage/owned-stage.ts';
import { doing } from '../error.ts';
import { openChannel, passDescriptors } from '../init/channel.ts';
import { connectedInit, type Session } from '../session.ts';

/** Who opens the sources of binds. */
export interface HostSide {
  readonly kernel: Kernel;
  /** Gives the init duplicates of these descriptors. @returns their numbers there, in order */
  give(descriptors: readonly Fd[]): readonly Fd[];
  /** Closes descriptors that have been given. */
  release(descriptors: readonly Fd[]): void;
}

/** The init itself, if it may do all that its mounts take. */
export const initSide = (init: Kernel): HostSide => ({
  kernel: init,
  give: (descriptors) => descriptors,
  release() {},
});

/** One message carries no more descriptors: SCM_MAX_FD, net/scm.h. */
const MOST_DESCRIPTORS = 253;

/** The numbers of the stage's descriptors beyond the standard ones. */
const INIT = 3;
const CHANNEL = 4;

/** @param action is given the host's side; its process is gone afterwards in any case. @throws EffectError */
export function withHostSide<T>(session: Session, preserveFds: number, action: (host: HostSide) => T): T {
  const { platform, inheritance } = session;
  const { local } = platform;
  const init = connectedInit(session);
  using pidfd = opened(local, pidfdOpen(init.pid));
  const channel = openChannel(session, init.kernel, preserveFds);
  using ours = new Owned(local, channel.ours);
  using theirs = new Owned(init.kernel, channel.theirs);
  using owned = new OwnedStage(local, platform.spawnStage([...inheritance.stdio, pidfd.fd, ours.fd], 'host'));
  const { kernel, socket } = owned.stage;
  doing("join the container's mount namespace", () =>
    perform(kernel, [closeRange(socket + 1, 0x7fffffff), setns(INIT, CLONE.NEWNS), close(INIT)]),
  );
  const link = { ours: CHANNEL, theirs: theirs.fd };
  return action({
    kernel,
    give: (descriptors) => chunks(descriptors).flatMap((some) => passDescriptors(kernel, init.kernel, link, some)),
    release: (descriptors) => void kernel.submit(descriptors.map((fd) => close(fd))),
  });
}

function chunks(descriptors: readonly Fd[]): readonly (readonly Fd[])[] {
  const all: (readonly Fd[])[] = [];
  for (let i = 0; i < descriptors.length; i += MOST_DESCRIPTORS) all.push(descriptors.slice(i, i + MOST_DESCRIPTORS));
  return all;
}
