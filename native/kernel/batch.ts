/** A batch under construction: each call's result can be an argument of the later ones. */

import type { Call, ResultRef } from './kernel.ts';
import { result } from './struct.ts';

export class Batch {
  readonly calls: Call[] = [];

  /** Appends a call and returns the reference to its result. */
  add(call: Call): ResultRef {
    this.calls.push(call);
    return result(this.calls.length - 1);
  }

  /** Appends a call whose failure does not matter, or is looked at later. */
  try(call: Call): ResultRef {
    return this.add({ ...call, mayFail: true });
  }
}
