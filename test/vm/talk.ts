/** What the test machine tells the host, a line of JSON each. */

import type { Report } from '../runner/reporter.ts';

export type Told =
  | Report
  /** The machine is up, so many seconds after its kernel began. */
  | { readonly kind: 'up'; readonly seconds: number }
  /** A test file's process has ended; how, if not well. */
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly ms: number;
      readonly ending?: string;
      readonly printed?: string;
    }
  /** All is done; what the tests left behind. */
  | { readonly kind: 'down'; readonly left: readonly string[] };
