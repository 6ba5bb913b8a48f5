/** How a child ended, as waitid(2) tells it. */

import type { Out } from '../kernel/kernel.ts';
import type { Pid } from '../kernel/numbers.ts';
import { viewOf } from '../kernel/struct.ts';

/** How a process ended: `status` is the exit status, or the signal. */
export interface Ending {
  readonly how: 'exited' | 'killed' | 'dumped';
  readonly status: number;
}

/**
 * What the siginfo_t of a SIGCHLD says (sigaction(2)).
 * @returns `pid` is 0 where no child has ended, after waitid(2) with WNOHANG
 */
export function endingIn(info: Out): { readonly pid: Pid; readonly ending: Ending } {
  const view = viewOf(info.bytes);
  const how = ({ [CLD.KILLED]: 'killed', [CLD.DUMPED]: 'dumped' } as const)[view.getInt32(SIGINFO.CODE, true)];
  return {
    pid: view.getInt32(SIGINFO.PID, true),
    ending: { how: how ?? 'exited', status: view.getInt32(SIGINFO.STATUS, true) },
  };
}

const SIGINFO = { CODE: 8, PID: 16, STATUS: 24 } as const;
const CLD = { KILLED: 2, DUMPED: 3 } as const;
