/** `pause` and `resume`: against the kernel's view, and beside runc. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { noContainers } from './bundle.ts';
import { messageOf, noRunc } from './command-line.ts';
import { proc } from './containers.ts';
import { lives, until } from './lives.ts';

describe('pause and resume', { skip: noContainers }, () => {
  const host = lives('pause');
  const { runchart, runc } = host;
  after(() => host.close());

  const statusOf = (id: string) => JSON.parse(runchart('state', id).stdout).status;
  /** utime and stime, with those of children. */
  const timeOf = (pid: number) =>
    proc(pid, 'stat')
      .replace(/^.*\) /s, '')
      .split(' ')
      .slice(11, 15)
      .map(Number)
      .reduce((a, b) => a + b);

  it('hold the processes, and let them go on', async () => {
    const { id, pid } = host.start();
    assert.deepEqual(runchart('pause', id), { status: 0, stdout: '', stderr: '' });
    assert.equal(statusOf(id), 'paused');
    const before = timeOf(pid);
    process.kill(pid, 'SIGTERM');
    await setTimeout(400);
    assert.equal(timeOf(pid), before);
    assert.deepEqual(runchart('resume', id), { status: 0, stdout: '', stderr: '' });
    await until('the signal has come through', () => statusOf(id) === 'stopped');
  });

  it('leave a container that was not started where it was', () => {
    const id = host.idFor(runchart);
    const { bundle } = host.start();
    assert.equal(runchart('create', '-b', bundle, id).status, 0);
    assert.equal(runchart('pause', id).status, 0);
    assert.equal(statusOf(id), 'paused');
    assert.equal(runchart('resume', id).status, 0);
    assert.equal(statusOf(id), 'created');
  });

  it('are refused in runc’s words', { skip: noRunc }, () => {
    const [ours, theirs] = [host.start().id, host.startRunc().id];
    for (const command of ['resume', 'pause', 'pause', 'resume', 'resume']) {
      const [mine, its] = [runchart(command, ours), runc(command, theirs)];
      assert.equal(mine.status, its.status, command);
      if (mine.status !== 0) assert.equal(messageOf(mine), messageOf(its));
    }
    assert.equal(messageOf(runchart('pause', 'nosuch')), messageOf(runc('pause', 'nosuch')));
  });
});
