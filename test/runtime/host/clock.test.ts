/** Times in RFC 3339. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rfc3339 } from '../../../runtime/host/clock.ts';

it('a time in RFC 3339 has no trailing zeros, as in Go', () => {
  assert.equal(rfc3339(1795509085, 260_278_440), '2026-11-24T08:31:25.26027844Z');
  assert.equal(rfc3339(0, 1), '1970-01-01T00:00:00.000000001Z');
  assert.equal(rfc3339(0, 0), '1970-01-01T00:00:00Z');
});
