/** README: what a newcomer copies from it works, in this order. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { snippet } from '../engines/snippets.ts';
import { workFolder } from './bundle.ts';
import { DIST } from './dist.ts';

const runchart = join(DIST, 'runchart');

describe('README', () => {
  it('leads to a container of one’s own', (t) => {
    if (!existsSync('/bin/busybox')) return t.skip('busybox-static is not installed');
    const { path, remove } = workFolder('readme');
    const root = join(path, 'state');
    const perform = (name: string) =>
      // The containers' names are the test's own, for the runner to find what is left.
      `set -e\n${snippet(name, 'README.md')
        .replaceAll('dist/runchart', `${runchart} --root ${root}`)
        .replace(/\b(one|two)\b/g, `runchart-test-${process.pid}-$1`)}`;
    const shell = (script: string) => spawnSync('sh', ['-c', script], { cwd: path, encoding: 'utf8' });
    try {
      assert.deepEqual(shell(perform('bundle')).stderr, '');

      const typed = 'echo I am process $$ on $(hostname); exit 3\n';
      const terminal = { cwd: path, encoding: 'utf8', input: typed } as const;
      const run = spawnSync('script', ['-qec', perform('run'), '/dev/null'], terminal);
      assert.equal(run.status, 3, run.stdout);
      assert.match(run.stdout, /^I am process 1 on runchart\r$/m);

      const { status, stdout, stderr } = shell(perform('steps'));
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^runchart-test-${process.pid}-two +\\d+ +running `, 'm'));
      assert.match(stdout, /^\d+ is in it too$/m);
      assert.equal(shell(`${runchart} --root ${root} list --quiet`).stdout, '');
    } finally {
      spawnSync(runchart, ['--root', root, 'delete', '--force', `runchart-test-${process.pid}-two`]);
      remove();
    }
  });
});
