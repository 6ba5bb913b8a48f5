/** What poll(2) waits for. */

import type { Fd } from './numbers.ts';
export interface PollRequest {
  readonly fd: Fd;
  /** POLL.IN, POLL.OUT, … */
  readonly events: number;
}
