/** Signals as the command line names them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSignal } from '../../../runtime/operations/signal.ts';

describe('parseSignal', () => {
  it('takes names with and without SIG in any case, and numbers', () => {
    assert.deepEqual(['KILL', 'SIGKILL', 'sigkill', 'Kill', '9', '0', '-1'].map(parseSignal), [9, 9, 9, 9, 9, 0, -1]);
  });

  it("refuses others in runc's words", () => {
    for (const text of ['X', '', '9x', 'constructor'])
      assert.throws(() => parseSignal(text), { message: `unknown signal ${JSON.stringify(text)}` });
  });
});
