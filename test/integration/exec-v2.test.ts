/** The tests of processes in a container's cgroup, and of the library, on pure cgroup v2, where this host is v1 or hybrid. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inV2View, noV2View } from './v2-view.ts';

const skip = noV2View();
for (const name of ['exec', 'kill', 'library', 'pause', 'ps', 'racing'])
  test(`${name}.test.ts on pure v2`, { skip }, () => {
    const { status, stdout, stderr } = inV2View(process.execPath, '--test', `${import.meta.dirname}/${name}.test.ts`);
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
