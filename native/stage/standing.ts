/**
 * A stage that stays, for a process that creates many containers: to spawn one takes longer (0.5 ms) than to clone an
 * init from it. It holds no descriptor but its sockets; those of an init come by a message and go again.
 */

import { chdir, close, closeRange, dup3 } from '../calls/files.ts';
import { socketPair } from '../calls/pair.ts';
import { setsid, waitid } from '../calls/process.ts';
import { reapChild } from '../calls/reap.ts';
import { receiveBuffers, receiveMessage, sendDescriptors } from '../calls/sockets.ts';
import { O } from '../constants/files.ts';
import { P, W } from '../constants/process.ts';
import type { Fd } from '../kernel/numbers.ts';
import { attempt, call, perform } from '../kernel/perform.ts';
import { out, viewOf } from '../kernel/struct.ts';
import type { Platform } from '../platform.ts';
import type { Stage, StandingStages } from './stage.ts';

/**
 * In the stage: the first descriptor that is its own. Those below are free for what an init is to have. With 30 and 31 the stage
 * works under a limit of 32, as runc does.
 */
export const STANDING_FROM = 30;
const SOCKET = STANDING_FROM;
const CHANNEL = STANDING_FROM + 1;

/** The platform with a standing stage, for who calls `retire` when it is done. */
export const withStandingStage = <P extends Platform>(platform: P): P & { readonly standing: StandingStages } => ({
  ...platform,
  standing: standingStages(platform),
});

function standingStages({ local, spawnStage }: Platform): StandingStages {
  let standing: (Stage & { readonly channel: Fd }) | undefined;

  function begin(): NonNullable<typeof standing> {
    const [channel, theirs] = socketPair(local);
    try {
      const stage = spawnStage([theirs], 'stage', SOCKET);
      standing = { ...stage, channel };
      // A signal to the process group of the terminal is not for it, nor may it keep a file system busy.
      perform(stage.kernel, [
        dup3(0, CHANNEL, O.CLOEXEC),
        closeRange(0, SOCKET - 1),
        closeRange(CHANNEL + 1, 0x7fffffff),
        setsid(),
        chdir('/'),
      ]);
      return standing;
    } catch (error) {
      if (standing === undefined) attempt(local, close(channel));
      else retire();
      throw error;
    } finally {
      attempt(local, close(theirs));
    }
  }

  function retire(): void {
    if (standing === undefined) return;
    const { pid, connection, channel } = standing;
    standing = undefined;
    local.submit([
      { ...close(connection), mayFail: true },
      { ...close(channel), mayFail: true },
    ]);
    reapChild(local, pid);
  }

  /** Somebody may have killed it. */
  function hasEnded({ pid }: Stage): boolean {
    const info = out(128);
    return (
      attempt(local, waitid(P.PID, pid, info, W.EXITED | W.NOHANG)) < 0 || viewOf(info.bytes).getInt32(16, true) !== 0
    );
  }

  return {
    current() {
      if (standing !== undefined && hasEnded(standing)) retire();
      const { kernel, channel } = standing ?? begin();
      return {
        kernel,
        pass(descriptors) {
          call(local, sendDescriptors(channel, descriptors));
          return receiveMessage(CHANNEL, receiveBuffers(descriptors.length), 0);
        },
      };
    },
    retire,
  };
}
