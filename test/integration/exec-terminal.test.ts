/** Processes of `exec` with a terminal, and who is told of them. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { close, read, write } from '../../native/calls/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { noContainers } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { statusField } from './containers.ts';
import { listenAt } from './listening-socket.ts';
import { lives, until, waiting } from './lives.ts';
import { AS_LEADER, openPty, shows } from './pty.ts';

describe('exec with a terminal', { skip: noContainers }, () => {
  const host = lives('exec-terminal');
  const { runchart } = host;
  const { id = '' } = noContainers ? {} : host.start();
  const platform = hostPlatform();
  const { local } = platform;
  after(() => host.close());

  it('gives a foreground process a terminal of its own, with the caller’s size, and the caller its modes back', async () => {
    const pty = openPty(platform);
    pty.resize(24, 80);
    const before = pty.modes();
    const script = 'tty; stty size; readlink /proc/$$/fd/2; read line; echo "got $line"; exit 6';
    const argv = ['--root', runchart.root, 'exec', '-t', '-u', '5', id, 'sh', '-c', script];
    const [command = '', ...rest] = [...AS_LEADER, RUNCHART, ...argv];
    const child = spawn(command, rest, { stdio: [pty.slave, pty.slave, pty.slave] });
    await shows(pty, '/dev/pts/0\r\n24 80\r\n/dev/pts/0\r\n');
    assert.notEqual(pty.modes(), before, 'raw');
    pty.type('a line\r');
    const [status] = await once(child, 'close');
    assert.equal(status, 6, pty.output());
    await shows(pty, 'a line\r\ngot a line\r\n');
    assert.equal(pty.modes(), before);
    await pty.end();
  });

  it('sends whoever listens the master and a pidfd of a detached process', async () => {
    const console = listenAt(join(host.path, 'console'));
    const pidfds = listenAt(join(host.path, 'pidfds'));
    const file = join(host.path, 'pid');
    const sockets = ['--console-socket', console.path, '--pidfd-socket', pidfds.path];
    const { status, stderr } = runchart(
      'exec',
      '-d',
      '-t',
      ...sockets,
      '--pid-file',
      file,
      id,
      'sh',
      '-c',
      'read line; echo "got $line"',
    );
    assert.equal(status, 0, stderr);
    const pid = readFileSync(file, 'utf8');
    const pidfd = pidfds.receive();
    assert.equal(pidfd.data, 'setns');
    assert.match(readFileSync(`/proc/self/fdinfo/${pidfd.fd}`, 'utf8'), new RegExp(`^Pid:\\t${pid}$`, 'm'));
    const master = console.receive();
    assert.equal(master.data, '/dev/ptmx');
    // It leads a session of its own.
    assert.equal(
      statusField(Number(pid), 'NSsid').split('\t').at(-1),
      statusField(Number(pid), 'NSpid').split('\t').at(-1),
    );
    perform(local, [write(master.fd, 'hello\n')]);
    let text = '';
    while (!text.includes('got hello')) {
      await platform.poll([{ fd: master.fd, events: POLL.IN }], 5000);
      const bytes = out(256);
      const length = attempt(local, read(master.fd, bytes));
      assert.ok(length > 0, text);
      text += new TextDecoder().decode(bytes.bytes.subarray(0, length));
    }
    perform(local, [close(master.fd), close(pidfd.fd)]);
    console.close();
    pidfds.close();
  });

  it('tells the seccomp agent of the process', async () => {
    const path = join(host.path, 'agent');
    const told: string[] = [];
    const agent = createServer((connection) => {
      let text = '';
      connection.on('data', (data) => {
        text += data;
      });
      connection.on('end', () => told.push(text));
    }).listen(path);
    await once(agent, 'listening');
    const base = waiting();
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW' as const,
      listenerPath: path,
      syscalls: [{ names: ['chroot', 'sendmsg'], action: 'SCMP_ACT_NOTIFY' as const }],
    };
    // Neither the process nor the command waits until the agent takes the connection.
    const { id: own } = host.start({ ...base, linux: { ...base.linux, seccomp } });
    const { status, stdout, stderr } = runchart('exec', own, 'grep', '^Seccomp:', '/proc/self/status');
    assert.deepEqual([status, stdout], [0, 'Seccomp:\t2\n'], stderr);
    await until('the agent has heard of both', () => told.length === 2);
    const [first, second] = told.map((text) => JSON.parse(text));
    assert.equal(first.state.status, 'created');
    assert.deepEqual([second.state.id, second.state.status, second.fds], [own, 'running', ['seccompFd']]);
    assert.notEqual(second.pid, first.pid);
    agent.close();
  });
});
