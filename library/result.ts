/** What is told of a process once it has ended. */

import type { Exit } from './exit.ts';

export interface ProcessResult extends Exit {
  /**
   * What it wrote to its standard output, or its terminal, as UTF-8. It is empty where the output went elsewhere, or
   * where the program has read it by `stdout`, `lines` or `terminal` itself.
   */
  readonly stdout: string;
  /** The same of its standard error. */
  readonly stderr: string;
  /** It wrote more than `maxBuffer`. What came after that is not in `stdout` or `stderr`. */
  readonly truncated: boolean;
  /** In milliseconds, from the call to its end. */
  readonly durationMs: number;
  /** The kernel ended it, or another process of its container meanwhile, for lack of memory. */
  readonly outOfMemory: boolean;
  /** It was killed since it ran for longer than `timeout`. */
  readonly timedOut: boolean;
}
