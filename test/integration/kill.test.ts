/** `kill`: who hears of a signal. */

import assert from 'node:assert/strict';
import { closeSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Config } from '../../spec/types.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { proc } from './containers.ts';
import { listenAt } from './listening-socket.ts';
import { lives, until } from './lives.ts';

describe('kill', { skip: noContainers }, () => {
  const host = lives('kill');
  const { runchart } = host;
  after(() => host.close());

  const withHostPids = (config: Config): Config => ({
    ...config,
    linux: { ...config.linux, namespaces: (config.linux?.namespaces ?? []).filter(({ type }) => type !== 'pid') },
  });
  const statusOf = (id: string): string => JSON.parse(runchart('state', id).stdout).status;
  const processesOf = (id: string): readonly number[] => JSON.parse(runchart('ps', '-f', 'json', id).stdout) ?? [];
  const areGone = (pids: readonly number[]): boolean =>
    pids.every((pid) => !existsSync(`/proc/${pid}`) || /\) Z /.test(proc(pid, 'stat')));

  it('KILL ends all processes of a container without a pid namespace, its first one gone or not', async () => {
    for (const initGone of [false, true]) {
      const { id, pid } = host.start(withHostPids(shellConfig('sleep 1000 & sleep 1001 & wait')));
      await until('all are there', () => processesOf(id).length === 3);
      const all = processesOf(id);
      if (initGone) {
        process.kill(pid, 'SIGKILL');
        await until('the first is gone', () => statusOf(id) === 'stopped');
        assert.equal(messageOf(runchart('kill', id, 'TERM')), 'container not running');
        assert.equal(processesOf(id).length, 2);
      }
      assert.deepEqual(runchart('kill', id, 'KILL'), { status: 0, stdout: '', stderr: '' });
      await until('all are gone', () => areGone(all));
      assert.deepEqual(runchart('delete', id), { status: 0, stdout: '', stderr: '' });
    }
  });

  it('--regex is for all containers that match, and goes on after one that cannot be killed', async () => {
    const ids = [1, 2, 3].map(() => {
      const id = host.idFor(runchart);
      assert.equal(runchart('create', '-b', host.bundle(id, shellConfig('sleep 1000')), id).status, 0);
      return id;
    });
    const [first = '', second = '', third = ''] = ids;
    assert.equal(runchart('kill', first, 'KILL').status, 0);
    await until('it has ended', () => statusOf(first) === 'stopped');

    const { status, stderr } = runchart('kill', '--regex', `^(${first}|${second})$`, 'KILL');
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^time="[^"]*" level=warning msg="${first}: container not running"\n$`));
    await until('the second has ended, too', () => statusOf(second) === 'stopped');
    assert.equal(statusOf(third), 'created');

    assert.equal(messageOf(runchart('kill', '-r', '(')), 'invalid regular expression "("');
    assert.equal(runchart('kill', '-r', '^nobody$').status, 0);
    assert.deepEqual(runchart('delete', '-r', `^(${ids.join('|')})$`), { status: 0, stdout: '', stderr: '' });
    for (const id of ids) assert.equal(runchart('state', id).status, 1);
  });

  it('by a pidfd that crun’s annotation has sent', async () => {
    const pidfds = listenAt(join(host.path, 'receiver'));
    const id = host.idFor(runchart);
    const annotations = { 'run.oci.pidfd_receiver': pidfds.path };
    const bundle = host.bundle(id, { ...shellConfig('sleep 1000'), annotations });
    assert.equal(runchart('create', '-b', bundle, id).status, 0);
    const { pid } = JSON.parse(runchart('state', id).stdout);
    const { fd } = pidfds.receive();
    assert.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), new RegExp(`^Pid:\\t${pid}$`, 'm'));
    closeSync(fd);
    pidfds.close();
    assert.equal(runchart('delete', '--force', id).status, 0);
  });

  it('a container that waits for its start ends when it is asked to', async () => {
    for (const signal of ['HUP', 'INT', 'QUIT', 'TERM', 'USR1', 'WINCH']) {
      const id = host.idFor(runchart);
      const { status, stderr } = runchart('create', '-b', host.bundle(id, shellConfig('sleep 1000')), id);
      assert.equal(status, 0, stderr);
      const { pid } = JSON.parse(runchart('state', id).stdout);
      assert.equal(runchart('kill', id, signal).status, 0);
      if (signal === 'USR1' || signal === 'WINCH') {
        assert.equal(runchart('start', id).status, 0);
        await until(
          'the program has the default actions',
          () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n',
        );
        assert.match(proc(pid, 'status'), /^SigCgt:\t0{16}$/m);
      } else {
        await until(`it ends by ${signal}`, () => statusOf(id) === 'stopped');
        assert.equal(messageOf(runchart('start', id)), 'cannot start a container that has stopped');
      }
      assert.equal(runchart('delete', '--force', id).status, 0);
    }
  });
});
