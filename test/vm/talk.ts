/** What the test machine tells the host, as lines of JSON. */

import type { Report } from '../runner/reporter.ts';

export type Told =
  | Report
  /** The machine is up, so many seconds after its kernel has begun. */
  | { readonly kind: 'up'; readonly seconds: number }
  /** The process of a test file has ended. `ending` says how, if not well. */
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly ms: number;
      readonly ending?: string;
      readonly printed?: string;
    }
  /** All tests are done. `left` is what they left behind. */
  | { readonly kind: 'down'; readonly left: readonly string[] };
