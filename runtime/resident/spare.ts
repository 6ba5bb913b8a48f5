/**
 * Of several engines one gets most commands, as long as these come one after the other. The others have grown too. So
 * those that have not been needed for a minute begin anew: a fresh engine takes a third of the memory.
 */

import { shutdown } from '../../native/calls/sockets.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { attempt } from '../../native/kernel/perform.ts';
import type { EngineReport } from './engine.ts';
import type { RunningEngine } from './start-engine.ts';
import { engineStatus, hearReports } from './status.ts';

const SHUT_WR = 1;

/** Hears what engines tell unasked. Those that are spare are asked to end, and so make room for fresh ones. */
export function replaceSpares(kernel: Kernel, engines: readonly RunningEngine[]): void {
  const hasTold = engines.filter((engine) => hearReports(kernel, engine) && engine.told?.spare);
  if (hasTold.length === 0) return;
  for (const engine of engines) if (!engine.isEnding) engineStatus(kernel, engine);
  for (const engine of sparesAmong(engines)) {
    engine.isEnding = true;
    // It tells its last once more.
    attempt(kernel, shutdown(engine.control.fd, SHUT_WR));
  }
}

/** The engines that are not needed now, but for the one that has worked most. Fresh ones may stay. Pure. */
export function sparesAmong<Engine extends Pick<RunningEngine, 'told' | 'isEnding'>>(
  engines: readonly Engine[],
): readonly Engine[] {
  const worked = (told: EngineReport | undefined): number => told?.commands ?? 0;
  const [most] = engines.toSorted((one, other) => worked(other.told) - worked(one.told));
  return engines.filter((one) => one !== most && !one.isEnding && one.told?.spare && one.told.commands > 0);
}
