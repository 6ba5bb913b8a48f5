/** The same tests on pure cgroup v2, where this host is v1 or hybrid: in a mount namespace with cgroup2 at /sys/fs/cgroup. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { inV2View, noV2View } from './v2-view.ts';

const files = readdirSync(import.meta.dirname).filter(
  (name) => /^cgroups.*\.test\.ts$/.test(name) && !/-v2\./.test(name),
);
const skip = noV2View();
for (const file of files)
  test(`${file} on pure v2`, { skip }, () => {
    const { status, stdout, stderr } = inV2View(process.execPath, '--test', `${import.meta.dirname}/${file}`);
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
