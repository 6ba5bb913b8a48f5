/** A stage of the test: a process that a test can put into a cgroup. */

import { close } from '../../native/calls/files.ts';
import { kill, waitid } from '../../native/calls/process.ts';
import { P } from '../../native/constants/process.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { initProgram } from '../../native/init/program.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import type { Libc } from '../../native/libraries/libc.ts';
import { spawnStage } from '../../native/stage/spawn.ts';
import type { Stage } from '../../native/stage/stage.ts';

export const startStage = (libc: Libc, local: Kernel): Stage =>
  spawnStage(libc, local, { program: initProgram(), descriptors: [0, 1, 2], performer: 'stage' });

/** Kills the stage unless it has ended, and reaps it. */
export function endStage(local: Kernel, { pid, connection }: Stage): void {
  local.submit([{ ...kill(pid, SIGNALS.SIGKILL), mayFail: true }]);
  perform(local, [close(connection), waitid(P.PID, pid, out(128))]);
}
