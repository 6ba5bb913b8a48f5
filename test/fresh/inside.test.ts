/** The walls around a fresh root: what runs inside ends with it, and nothing of it is left. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Inside } from './inside.ts';
import { removeRoot } from './root.ts';

const BUSYBOX = '/bin/busybox';
const skip = process.getuid?.() !== 0 ? 'needs root' : existsSync(BUSYBOX) ? false : 'busybox-static is not installed';

describe('inside a fresh root', { skip }, () => {
  let folder: string;
  let root: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-inside-`));
    root = join(folder, 'root');
    for (const name of ['bin', 'dev', 'sys', 'proc', 'run', 'tmp']) mkdirSync(join(root, name), { recursive: true });
    copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
    execFileSync('chroot', [root, '/bin/busybox', '--install', '-s', '/bin']);
  });
  after(() => rmSync(folder, { recursive: true }));

  const cgroups = () => globSync(`/sys/fs/cgroup/**/runchart-fresh-${process.pid}`);

  it('a command has its own processes, mounts, host name and environment', async () => {
    await using inside = new Inside(root, new AbortController().signal);
    const { status, output } = await inside.run(
      'readlink /proc/1/exe; hostname; ls /; wc -l < /proc/mounts; env; exit 5',
    );
    assert.equal(status, 5);
    assert.match(output, /^\/bin\/busybox\nfresh\nbin\ndev\nproc\nrun\nsys\ntmp\n/);
    assert.match(output, /^HOME=\/root$/m);
    assert.ok(!output.includes('npm_') && !output.includes('NODE_OPTIONS'), output);
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(root));
  });

  it('what a command leaves behind is ended and removed', async () => {
    await (async () => {
      await using inside = new Inside(root, new AbortController().signal);
      const [cgroup] = cgroups();
      // The cgroup and the sleep outlive the command. The sleep does not hold the command's output.
      const inCgroup = cgroup === undefined ? '' : `mkdir ${cgroup}/left; `;
      await inside.run(`${inCgroup}mount -t tmpfs tmpfs /tmp; sleep 10031 > /dev/null 2>&1 &`);
      if (cgroup !== undefined) assert.ok(existsSync(join(cgroup, 'left')));
    })();
    assert.deepEqual(cgroups(), []);
    assert.deepEqual(
      globSync('/proc/[0-9]*/cmdline').filter((file) => existsSync(file) && textOf(file).includes('sleep\0' + '10031')),
      [],
    );
  });

  it('a command that is given up ends', async () => {
    const stop = new AbortController();
    await using inside = new Inside(root, stop.signal);
    const running = inside.run('echo begun > /tmp/begun; sleep 10032');
    while (!existsSync(join(root, 'tmp/begun'))) await new Promise((resolve) => setTimeout(resolve, 20));
    stop.abort();
    assert.notEqual((await running).status, 0);
  });

  it('a root with something mounted in it is not removed', () => {
    const mounted = join(folder, 'mounted');
    mkdirSync(join(mounted, 'point'), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(mounted, 'point')]);
    try {
      assert.throws(() => removeRoot(mounted), /something is mounted below it/);
      assert.ok(existsSync(join(mounted, 'point')));
    } finally {
      execFileSync('umount', [join(mounted, 'point')]);
    }
    removeRoot(mounted);
    assert.ok(!existsSync(mounted));
  });
});

/** @returns nothing if the process is gone */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
