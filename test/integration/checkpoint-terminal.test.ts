/** A terminal that goes through a checkpoint: whoever restores gets its master. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { close, read, write } from '../../native/calls/files.ts';
import { POLL } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { out } from '../../native/kernel/struct.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { messageOf, RUNCHART } from './command-line.ts';
import { noCriu, provideCriu } from './criu.ts';
import { listenAt } from './listening-socket.ts';
import { lives } from './lives.ts';
import { AS_LEADER, openPty, shows } from './pty.ts';

const skip = noContainers || noCriu();

describe('checkpoint and restore with a terminal', { skip }, () => {
  const host = lives('criu-tty');
  const { runchart } = host;
  provideCriu(host.path);
  const platform = hostPlatform();
  const { local } = platform;
  after(() => host.close());

  const talking = shellConfig('while read line; do echo "got $line"; done; exit 5');
  talking.process.terminal = true;
  const well = (...argv: string[]) => assert.deepEqual(runchart(...argv), { status: 0, stdout: '', stderr: '' });
  const images = (id: string): string => join(host.path, `${id}.images`);

  const listening = (name: string) => listenAt(join(host.path, name));

  async function says(master: number, typed: string, expected: string): Promise<void> {
    perform(local, [write(master, typed)]);
    let text = '';
    while (!text.includes(expected)) {
      await platform.poll([{ fd: master, events: POLL.IN }], 5000);
      const bytes = out(256);
      const length = attempt(local, read(master, bytes));
      assert.ok(length > 0, text);
      text += new TextDecoder().decode(bytes.bytes.subarray(0, length));
    }
  }

  it('sends the master over the console socket of a detached container', async () => {
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, talking);
    const console = listening('console');
    well('run', '-d', '--console-socket', console.path, '-b', bundle, id);
    const first = console.receive().fd;
    await says(first, 'one\n', 'got one');
    well('checkpoint', '--image-path', images(id), id);
    perform(local, [close(first)]);
    const without = runchart('restore', '-d', '--image-path', images(id), '-b', bundle, id);
    assert.equal(messageOf(without), 'cannot allocate tty if runchart will detach without setting console socket');
    well('restore', '-d', '--console-socket', console.path, '--image-path', images(id), '-b', bundle, id);
    const second = console.receive().fd;
    await says(second, 'two\n', 'got two');
    assert.equal(runchart('exec', id, 'sh', '-c', 'test -t 0 < /proc/1/fd/0 && echo yes').stdout, 'yes\n');
    perform(local, [close(second)]);
    console.close();
  });

  it('lets the caller’s terminal stand for it in the foreground', async () => {
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, talking);
    const console = listening('other');
    well('run', '-d', '--console-socket', console.path, '-b', bundle, id);
    const first = console.receive().fd;
    await says(first, 'one\n', 'got one');
    well('checkpoint', '--image-path', images(id), id);
    perform(local, [close(first)]);
    console.close();
    const pty = openPty(platform);
    const argv = [RUNCHART, '--root', runchart.root, 'restore', '--image-path', images(id), '-b', bundle, id];
    const [command = '', ...rest] = [...AS_LEADER, ...argv];
    const child = spawn(command, rest, { stdio: [pty.slave, pty.slave, pty.slave] });
    const ended = once(child, 'close');
    pty.type('two\n');
    await shows(pty, 'got two\r\n');
    pty.type('\x04');
    const [status] = await ended;
    assert.equal(status, 5, pty.output());
    await pty.end();
  });
});
