/** Starts an engine of a resident server: this program once more, with orders in its environment. */

import { chdir, dup3 } from '../../native/calls/files.ts';
import { socketPair } from '../../native/calls/pair.ts';
import { prctl } from '../../native/calls/process.ts';
import { PR } from '../../native/constants/process.ts';
import { SOCK } from '../../native/constants/socket.ts';
import type { Fd, Pid } from '../../native/kernel/numbers.ts';
import { Owned } from '../../native/kernel/owned.ts';
import type { Platform } from '../../native/platform.ts';
import { spawnProcess } from '../../native/stage/program.ts';
import { OWN_FROM, placeholders } from './descriptors.ts';
import { type EngineReport, ORDERS, type Orders, ordersAsText } from './engine.ts';

export interface RunningEngine {
  readonly pid: Pid;
  readonly pidfd: Owned;
  /** Closed, it ends the engine once that has nothing to do. */
  readonly control: Owned;
  /** By the clock of performance.now(). */
  readonly since: number;
  /** What it has told last. */
  told?: EngineReport;
  /** It has been asked to end. */
  isEnding?: boolean;
}

/** Its ends, in the engine. */
const LISTENER: Fd = OWN_FROM;
const CONTROL: Fd = OWN_FROM + 1;

/**
 * A resident engine has the JIT but for its last stage, which needs more time than it saves here; and the others come
 * sooner than by default, since a command runs most code once (docs/resident.md).
 * As by the launcher, nobody is sent a report of a crash.
 */
const ENGINE_OPTIONS = [
  'BUN_ENABLE_CRASH_REPORTING=0',
  'BUN_JSC_useFTLJIT=0',
  'BUN_JSC_thresholdForJITAfterWarmUp=100',
  'BUN_JSC_thresholdForOptimizeAfterWarmUp=300',
];

/**
 * @param nothing an open /dev/null, its standard input
 * @throws SyscallError
 */
export function startEngine(
  platform: Platform,
  nothing: Fd,
  listener: Fd,
  limits: Pick<Orders, 'commands' | 'memory'>,
): RunningEngine {
  const { local } = platform;
  const [ours, theirs] = socketPair(local, SOCK.SEQPACKET);
  using control = new Owned(local, ours);
  using inherited = new Owned(local, theirs);
  const { pid, pidfd } = spawnProcess(platform, {
    path: process.execPath,
    argv: ['runchart: engine'],
    env: [...ENGINE_OPTIONS, `${ORDERS}=${ordersAsText({ listener: LISTENER, control: CONTROL, ...limits })}`],
    // 3 and 4 are moved to where the engine's own begin. Its program then opens nothing below.
    descriptors: [nothing, 1, 2, listener, inherited.fd],
    before: [chdir('/'), prctl(PR.SET_THP_DISABLE, 1), dup3(3, LISTENER), dup3(4, CONTROL), ...placeholders(0, 3)],
    performer: 'engine',
  });
  return {
    pid,
    pidfd: new Owned(local, pidfd),
    control: new Owned(local, control.release()),
    since: performance.now(),
  };
}
