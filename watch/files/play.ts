/** Plays lines of a file, at the pace at which they came. */

import type { Line } from '../../spec/watch/lines.ts';

/** Nobody waits longer for the next thing to happen, whatever the file says. */
const LONGEST_PAUSE_MS = 2000;
/** What happened within this time is played at once. */
const TOGETHER_MS = 5;

export interface Pace {
  /** 1: as it was; 10: ten times as fast. Infinity: at once. */
  readonly speed: number;
  /** @returns when the time is over, or at once where the playing is to end */
  sleep(milliseconds: number): Promise<void>;
  /** Whether to stop. */
  isOver(): boolean;
}

/** @param take is given lines that belong together in time */
export async function play(lines: readonly Line[], { speed, sleep, isOver }: Pace, take: (lines: Line[]) => void) {
  let together: Line[] = [];
  let before = lines[0]?.at ?? 0;
  let owed = 0;
  for (const line of lines) {
    if (isOver()) return;
    // A batch of calls is written when it is over, and says when it began: such a line is not waited for.
    const pause = Math.min(LONGEST_PAUSE_MS, Math.max(0, ((line.at - before) * 1000) / speed));
    before = Math.max(before, line.at);
    owed += pause;
    if (owed >= TOGETHER_MS) {
      take(together);
      together = [];
      await sleep(owed);
      owed = 0;
    }
    together.push(line);
  }
  take(together);
}
