/** The platform of this machine: every call reaches the real kernel. */

import { initProgram } from './init/program.ts';
import type { Fd } from './kernel/numbers.ts';
import { type Libc, loadLibc } from './libraries/libc.ts';
import { loadLibSeccomp } from './libraries/libseccomp.ts';
import { poller } from './libraries/poller.ts';
import { interruption } from './performers/interruption.ts';
import { localKernel } from './performers/local.ts';
import { remoteKernels } from './performers/remote.ts';
import type { Platform, Wrap } from './platform.ts';
import { enterAhead, takeLaunchedStage } from './stage/launched.ts';
import { spawnStage } from './stage/spawn.ts';
import type { LaunchedStage } from './stage/stage.ts';

/**
 * @param wrap goes around every kernel
 * @param launched the stage that the launcher has started
 */
export function hostPlatform(
  wrap: Wrap = (kernel) => kernel,
  libc: Libc = loadLibc(),
  launched?: LaunchedStage,
): Platform {
  const bare = localKernel(libc);
  const interrupting = interruption(bare);
  const remote = remoteKernels(libc, interrupting.awaitReadable);
  const local = wrap(bare, () => process.pid);
  const poll = poller(libc, bare);
  const stagePart = (stage: LaunchedStage): Pick<Platform, 'launchedStage' | 'enterAhead'> => {
    const behind = (socket: Fd, performer: string) => wrap(remote(socket, performer), () => stage.pid);
    return {
      launchedStage: (descriptors, performer, namespaces) =>
        takeLaunchedStage(local, stage, descriptors, (socket) => behind(socket, performer), { namespaces }),
      enterAhead: (namespaces) => enterAhead(stage, namespaces, behind(stage.socket, 'stage')),
    };
  };
  return {
    local,
    spawnStage(descriptors, performer, socket = descriptors.length) {
      const stage = spawnStage(libc, local, { program: initProgram(), descriptors, performer, socket, remote });
      return { ...stage, kernel: wrap(stage.kernel, () => stage.pid) };
    },
    ...(launched !== undefined && stagePart(launched)),
    kernelBehind: (socket, performer, pid = unknown) => wrap(remote(socket, performer), pid),
    libc: () => libc,
    libseccomp: () => loadLibSeccomp(libc),
    poll: (descriptors, timeoutMs = -1, signal) => poll(descriptors, timeoutMs, signal),
    interruption: interrupting,
  };
}

const unknown = (): undefined => undefined;
