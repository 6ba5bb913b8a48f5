/**
 * A stage that stays, for a process that creates many containers. To spawn a stage takes 0.5 ms, longer than to clone
 * an init from one. This one holds no descriptors but its sockets: those of an init come by a message, and go again.
 */

import { chdir, close, closeRange, dup3 } from '../calls/files.ts';
import { socketPair } from '../calls/pair.ts';
import { setsid } from '../calls/process.ts';
import { hasChildEnded, reapChild } from '../calls/reap.ts';
import { receiveBuffers, receiveMessage, sendDescriptors } from '../calls/sockets.ts';
import { O } from '../constants/files.ts';
import type { Fd } from '../kernel/numbers.ts';
import { Owned } from '../kernel/owned.ts';
import { attempt, call, failureOf, post } from '../kernel/perform.ts';
import type { Platform } from '../platform.ts';
import type { Stage, StandingStages } from './stage.ts';

/**
 * In the stage: the first descriptor that is its own. Those below are free for the init's. With 30 and 31 the stage
 * works where at most 32 descriptors may be open, as runc does.
 */
export const STANDING_FROM = 30;
const SOCKET = STANDING_FROM;
const CHANNEL = STANDING_FROM + 1;

/** The platform with a standing stage. Whoever asks for it calls `retire` at the end. */
export const withStandingStage = <P extends Platform>(platform: P): P & { readonly standing: StandingStages } => ({
  ...platform,
  standing: standingStages(platform),
});

function standingStages({ local, spawnStage }: Platform): StandingStages {
  let standing: (Stage & { readonly channel: Fd }) | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isBusy = false;
  let isRetiring = false;

  function begin(): NonNullable<typeof standing> {
    const [ours, theirs] = socketPair(local);
    using channel = new Owned(local, ours);
    using inherited = new Owned(local, theirs);
    standing = { ...spawnStage([inherited.fd], 'stage', SOCKET), channel: channel.release() };
    // It leaves the process group, which the terminal's signals go to, and the directory, whose file system it would
    // keep busy.
    const calls = [
      dup3(0, CHANNEL, O.CLOEXEC),
      closeRange(0, SOCKET - 1),
      closeRange(CHANNEL + 1, 0x7fffffff),
      setsid(),
      chdir('/'),
    ];
    post(standing.kernel, calls, (outcome) => {
      const failure = failureOf(calls, outcome);
      if (failure !== undefined) throw failure;
    });
    return standing;
  }

  function end(): void {
    isRetiring = false;
    if (standing === undefined) return;
    const { pid, connection, channel } = standing;
    standing = undefined;
    for (const fd of [connection, channel]) attempt(local, close(fd));
    reapChild(local, pid);
  }

  async function perform<T>(action: () => Promise<T>): Promise<T> {
    isBusy = true;
    try {
      return await action();
    } finally {
      isBusy = false;
      if (isRetiring) end();
    }
  }

  return {
    current() {
      // Somebody may have killed it.
      if (standing !== undefined && hasChildEnded(local, standing.pid)) end();
      const { kernel, channel } = standing ?? begin();
      return {
        kernel,
        pass(descriptors) {
          call(local, sendDescriptors(channel, descriptors));
          return receiveMessage(CHANNEL, receiveBuffers(descriptors.length), 0);
        },
      };
    },
    alone(action) {
      const done = last.then(() => perform(action));
      last = done.catch(() => undefined);
      return done;
    },
    retire() {
      if (isBusy) isRetiring = true;
      else end();
    },
  };
}
