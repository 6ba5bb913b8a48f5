/** Builds what the tests run, if it is older than its sources. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isStale } from '../../build/stale.ts';
import type { Tally } from './tally.ts';

/** A build that fails becomes a failure in the tally. @param root of the repository */
export function buildIfStale(root: string, tally: Tally): void {
  if (!isStale(root, join(root, 'dist'))) return;
  console.log('building dist/, which is older than its sources');
  const bun = join(root, 'node_modules/.bin/bun');
  const { status, stderr, error } = spawnSync(bun, ['build/link.ts'], { encoding: 'utf8', cwd: root });
  if (status !== 0) tally.failures.push({ title: 'build/link.ts', text: error?.message ?? stderr });
}
