/** The stage that the launcher starts for commands that make a process: what becomes of one that no process came of. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { RUNCHART } from './command-line.ts';

describe('the launched stage', { skip: noContainers }, () => {
  const work = workFolder('launched');
  const quiet = makeBundle(join(work.path, 'quiet'), shellConfig('true'));
  const bundle = makeBundle(join(work.path, 'bundle'), shellConfig('ls /proc/self/fd'));
  const id = `runchart-test-${process.pid}-launched`;
  const root = ['--root', join(work.path, 'state')];
  after(() => work.remove());

  /**
   * Runs the command in a pid namespace of its own, whose first process reaps nobody. @returns what is left of it there
   */
  function leftBy(...args: readonly string[]) {
    // Which processes there are is found before the shell becomes `cat`: there is no other one by then.
    const script = '"$@"; echo $?; exec cat /proc/[0-9]*/stat';
    const outer = ['--pid', '--fork', '--mount-proc', 'sh', '-c', script, 'sh', RUNCHART, ...root, ...args];
    const { stdout, stderr } = spawnSync('unshare', outer, { encoding: 'utf8' });
    const [status, ...processes] = stdout.slice(stdout.search(/^\d+$/m)).trim().split('\n');
    return { status, stderr, processes: processes.filter((one) => !one.startsWith('1 ')) };
  }

  it('is gone when the command is, whatever has become of the command', () => {
    for (const [status, args] of [
      ['0', ['run', '--bundle', quiet, id]],
      ['0', ['run', '--help']],
      ['1', ['run', '--no-such-flag', id]],
      ['1', ['run']],
      ['1', ['run', '--bundle', '/nowhere', id]],
      ['1', ['create', '--bundle', bundle, 'a/b']],
      ['255', ['exec', id, 'true']],
    ] as const) {
      const left = leftBy(...args);
      assert.equal(left.status, status, `${args.join(' ')}: ${left.stderr}`);
      assert.deepEqual(left.processes, [], args.join(' '));
    }
  });

  it('is no descriptor that a caller could preserve', () => {
    const files = Array.from({ length: 197 }, () => openSync('/dev/null', 'r'));
    const preserving = (count: number) =>
      spawnSync(RUNCHART, [...root, 'run', '--preserve-fds', String(count), '--bundle', bundle, id], {
        stdio: ['ignore', 'pipe', 'pipe', ...files],
        encoding: 'utf8',
      });
    for (const file of files) after(() => closeSync(file));
    assert.match(preserving(197).stdout, /^199$/m);
    for (const count of [198, 199]) assert.match(preserving(count).stderr, /descriptor 20[01] is not open/);
  });
});
