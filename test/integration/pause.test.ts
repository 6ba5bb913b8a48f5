/** `pause` and `resume`: against the kernel's view, and beside runc. */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { SIGNALS } from '../../native/constants/signal.ts';
import { noContainers } from './bundle.ts';
import { messageOf, noRunc } from './command-line.ts';
import { catches, proc } from './containers.ts';
import { lives, until } from './lives.ts';

describe('pause and resume', { skip: noContainers }, () => {
  const host = lives('pause');
  const { runchart, runc } = host;
  after(() => host.close());

  const statusOf = (id: string) => JSON.parse(runchart('state', id).stdout).status;
  /** It makes one after the other, all the time. */
  const childrenOf = (pid: number) => proc(pid, `task/${pid}/children`);

  it('hold the processes, and let them go on', async () => {
    const { id, pid } = host.start();
    await until('it listens to TERM', () => catches(pid, SIGNALS.SIGTERM));
    assert.deepEqual(runchart('pause', id), { status: 0, stdout: '', stderr: '' });
    assert.equal(statusOf(id), 'paused');
    const before = childrenOf(pid);
    process.kill(pid, 'SIGTERM');
    await setTimeout(400);
    assert.equal(childrenOf(pid), before);
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
    // Ours says where it is missing, behind runc's words.
    const missing = messageOf(runchart('pause', 'nosuch')).replace(/: nosuch is not in \S+$/, '');
    assert.equal(missing, messageOf(runc('pause', 'nosuch')));
  });
});
