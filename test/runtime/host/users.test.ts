/** The names of users. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { namesIn } from '../../../runtime/host/users.ts';

it('the first entry of a uid in passwd counts', () => {
  const names = namesIn('root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n# x\na:x:1000:1000::/:/bin/sh\n');
  assert.deepEqual([names.get('0'), names.get('1000'), names.get('7')], ['root', 'a', undefined]);
});
