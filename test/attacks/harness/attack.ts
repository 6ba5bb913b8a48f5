/** What an attack is: a file in test/attacks/ that exports one. */

import type { Ground } from './ground.ts';
import type { Random } from './random.ts';

export interface Attack {
  readonly name: string;
  /** Why it cannot be tried here; false where it can. */
  readonly skip: string | false;
  /**
   * One try, on ground of its own. What is left of chance to races is the machine's; all else is decided by `random`.
   * @returns what was found, a line each
   */
  attempt(ground: Ground, random: Random): Promise<readonly string[]>;
}
