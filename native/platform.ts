/** What a command acts through: this process's kernel, and the processes that it starts or finds waiting. */

import { initProgram } from './init/program.ts';
import type { Kernel } from './kernel/kernel.ts';
import { type Libc, loadLibc } from './libraries/libc.ts';
import { type LibSeccomp, loadLibSeccomp } from './libraries/libseccomp.ts';
import { poller } from './libraries/poller.ts';
import { localKernel } from './performers/local.ts';
import { remoteKernels } from './performers/remote.ts';
import { type LaunchedStage, takeLaunchedStage } from './stage/launched.ts';
import { type Stage, spawnStage } from './stage/spawn.ts';
import type { StandingStages } from './stage/standing.ts';

/**
 * How this process reaches the kernel and the C libraries: one door to all of it, so that a test can put a world in its
 * place.
 */
export interface Platform {
  /** Performs calls in this process. */
  readonly local: Kernel;
  /**
   * Starts native/init with these descriptors, and nothing else, as a child of this process.
   * @param socket its socket's descriptor there; by default the one after `descriptors`
   * @throws SyscallError
   */
  spawnStage(descriptors: readonly number[], performer: string, socket?: number): Stage;
  /** A stage that is there already, for these descriptors; undefined where one has to be spawned. */
  launchedStage?(descriptors: readonly number[], performer: string): Stage | undefined;
  /** A stage for many containers, where this process is to have one. */
  readonly standing?: StandingStages;
  /** The kernel of a process that serves batches on the other end of a socket of ours. */
  kernelBehind(socket: number, performer: string): Kernel;
  /** For the libraries that are not system calls: sd-bus. */
  libc(): Libc;
  /** libseccomp, loaded when it is first asked for. @throws LibSeccompError where it is missing or too old */
  libseccomp(): LibSeccomp;
  /** Waits for events on descriptors without stopping the engine: poll(2) on a thread. @returns the revents, in order */
  poll(descriptors: readonly PollRequest[], timeoutMs?: number): Promise<readonly number[]>;
}

export interface PollRequest {
  readonly fd: number;
  readonly events: number;
}

/** Observes or alters what passes: a trace, injected faults. */
export type Wrap = (kernel: Kernel) => Kernel;

/** @param launched the stage that the launcher has started */
export function hostPlatform(
  wrap: Wrap = (kernel) => kernel,
  libc: Libc = loadLibc(),
  launched?: LaunchedStage,
): Platform {
  const bare = localKernel(libc);
  const remote = remoteKernels(libc);
  const local = wrap(bare);
  const poll = poller(libc, bare);
  return {
    local,
    spawnStage(descriptors, performer, socket = descriptors.length) {
      const stage = spawnStage(libc, local, { program: initProgram(), descriptors, performer, socket, remote });
      return { ...stage, kernel: wrap(stage.kernel) };
    },
    ...(launched !== undefined && {
      launchedStage: (descriptors: readonly number[], performer: string) =>
        takeLaunchedStage(local, launched, descriptors, (socket) => wrap(remote(socket, performer))),
    }),
    kernelBehind: (socket, performer) => wrap(remote(socket, performer)),
    libc: () => libc,
    libseccomp: () => loadLibSeccomp(libc),
    poll: (descriptors, timeoutMs = -1) => poll(descriptors, timeoutMs),
  };
}
