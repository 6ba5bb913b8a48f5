/**
 * The host's side of a container with a user namespace: a process with the runtime's own rights in the container's mount
 * namespace. It opens what the container's root may not reach, and gives it over as descriptors. It acts in that namespace
 * and not in the runtime's, because there the mounts are the container's copies already: slaves, with locked flags.
 */

import { close, closeRange } from '../../native/calls/files.ts';
import { pidfdOpen, setns } from '../../native/calls/process.ts';
import { reapChild } from '../../native/calls/reap.ts';
import { CLONE } from '../../native/constants/process.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt, call, perform } from '../../native/kernel/perform.ts';
import { doing } from '../error.ts';
import { openChannel, passDescriptors } from '../init/channel.ts';
import { connectedInit, type Session } from '../session.ts';

export interface HostSide {
  readonly kernel: Kernel;
  /** Gives its descriptors to the init. @returns their numbers there, in order */
  give(descriptors: readonly number[]): readonly number[];
  /** Closes what has been given. */
  release(descriptors: readonly number[]): void;
}

/** The init itself, where it may do all that its mounts take. */
export const initSide = (init: Kernel): HostSide => ({
  kernel: init,
  give: (descriptors) => descriptors,
  release() {},
});

/** As many as one message carries: SCM_MAX_FD, net/scm.h. */
const MOST_DESCRIPTORS = 253;

/** The numbers of the process's descriptors beyond the standard ones. */
const INIT = 3;
const CHANNEL = 4;

/** @throws EffectError; the process is gone afterwards in any case */
export function withHostSide<T>(session: Session, preserveFds: number, action: (host: HostSide) => T): T {
  const { platform, inheritance } = session;
  const { local } = platform;
  const init = connectedInit(session);
  const opened: number[] = [];
  try {
    const pidfd = call(local, pidfdOpen(init.pid));
    opened.push(pidfd);
    const channel = openChannel(session, init.kernel, preserveFds);
    opened.push(channel.ours);
    try {
      const stage = platform.spawnStage([...inheritance.stdio, pidfd, channel.ours], 'host');
      try {
        doing("join the container's mount namespace", () =>
          perform(stage.kernel, [closeRange(stage.socket + 1, 0x7fffffff), setns(INIT, CLONE.NEWNS), close(INIT)]),
        );
        const link = { ours: CHANNEL, theirs: channel.theirs };
        return action({
          kernel: stage.kernel,
          give: (descriptors) =>
            chunks(descriptors).flatMap((some) => passDescriptors(stage.kernel, init.kernel, link, some)),
          release: (descriptors) => void stage.kernel.submit(descriptors.map((fd) => close(fd))),
        });
      } finally {
        attempt(local, close(stage.connection));
        reapChild(local, stage.pid);
      }
    } finally {
      attempt(init.kernel, close(channel.theirs));
    }
  } finally {
    for (const fd of opened) attempt(local, close(fd));
  }
}

function chunks(descriptors: readonly number[]): readonly (readonly number[])[] {
  const all: (readonly number[])[] = [];
  for (let i = 0; i < descriptors.length; i += MOST_DESCRIPTORS) all.push(descriptors.slice(i, i + MOST_DESCRIPTORS));
  return all;
}
