/** What poll(2) waits for. */
export interface PollRequest {
  readonly fd: number;
  /** POLL.IN, POLL.OUT, … */
  readonly events: number;
}
