/** `exec` hears signals while it joins a container that does not let it join, or not at once. */

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { proc } from './containers.ts';
import { childrenOf } from './foreground.ts';
import { textOf } from './gone-meanwhile.ts';
import { type Life, lives, resting, until } from './lives.ts';

describe('exec into a container that is frozen', { skip: noContainers }, () => {
  const host = lives('exec-hung');
  const { runchart } = host;
  after(() => host.close());

  const config = resting();
  const writable = { ...config, root: { path: 'rootfs', readonly: false } };

  const stuckIn = async ({ id, bundle }: Life, ...flags: string[]) => {
    const exec = host.spawn(runchart, 'exec', ...flags, id, 'touch', '/ran');
    const pid = exec.child.pid ?? 0;
    await until('the process joins', () =>
      childrenOf(pid).some((child) => textOf(`/proc/${child.pid}/cgroup`).includes(id)),
    );
    return { ...exec, pid, ran: () => existsSync(join(bundle, 'rootfs/ran')) };
  };
  /** What is left of a killed command ends once it may run. Its program has never run. */
  const isAlone = ({ id, pid }: Life) =>
    until('nothing is left', () => {
      const pids: number[] = JSON.parse(runchart('ps', '-f', 'json', id).stdout);
      return pids.length === 1 && pids[0] === pid;
    });

  for (const [name, signal] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
    ['SIGHUP', 1],
  ] as const)
    it(`ends by ${name}, and its process with it`, async () => {
      const life = host.start(writable);
      assert.equal(runchart('pause', life.id).status, 0);
      const exec = await stuckIn(life, '--ignore-paused');
      exec.child.kill(name);
      assert.equal(await exec.ended, 128 + signal);
      assert.match(
        exec.errors(),
        new RegExp(`level=warning msg="signal ${signal} came while a process joined container`),
      );
      assert.equal(runchart('resume', life.id).status, 0);
      await isAlone(life);
      assert.equal(exec.ran(), false);
    });

  it('goes on once the container does, whatever other signals come', async () => {
    const life = host.start(writable);
    assert.equal(runchart('pause', life.id).status, 0);
    const exec = await stuckIn(life, '--ignore-paused');
    exec.child.kill('SIGWINCH');
    exec.child.kill('SIGCHLD');
    assert.equal(runchart('resume', life.id).status, 0);
    assert.equal(await exec.ended, 0, exec.errors());
    assert.equal(exec.ran(), true);
    await isAlone(life);
  });

  it('ends by a signal where the process is born frozen, on cgroup v2', async (t) => {
    const life = host.start(writable);
    const path = /^0::(\/.*)$/m.exec(proc(life.pid, 'cgroup'))?.[1] ?? '/';
    const file = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']
      .map((root) => join(root, path, 'cgroup.freeze'))
      .find((one) => path !== '/' && existsSync(one));
    if (file === undefined) return t.skip('there is no freezer of cgroup v2');
    writeFileSync(file, '1');
    try {
      const exec = await stuckIn(life, '--ignore-paused');
      exec.child.kill('SIGTERM');
      assert.equal(await exec.ended, 143, exec.errors());
      // A process that is killed there ends at once.
      await isAlone(life);
      assert.equal(exec.ran(), false);
    } finally {
      writeFileSync(file, '0');
    }
  });
});
