/** Those examples of docs/examples/ that are about processes and streams, as they are. */

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { until } from './lives.ts';

const skip = noContainers;
const repository = join(import.meta.dirname, '../..');
const work = workFolder('library-stream-examples');
const rootfs = noContainers ? '' : join(makeBundle(join(work.path, 'bundle'), shellConfig('')), 'rootfs');
const EXAMPLE_ROOT = '/run/runchart-example';

const left = (): readonly string[] =>
  existsSync(EXAMPLE_ROOT) ? readdirSync(EXAMPLE_ROOT).filter((name) => name !== '@seccomp') : [];

before(async () => {
  if (skip === false) await promisify(execFile)(process.execPath, ['build/library.ts'], { cwd: repository });
});

after(() => {
  work.remove();
  assert.deepEqual(left(), [], 'no container is left');
});

async function example(name: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [`docs/examples/${name}.ts`, rootfs], {
    cwd: repository,
  });
  return stdout;
}

test('capture output', { skip }, async () => {
  assert.equal(
    await example('capture-output'),
    `status 0: "apples\\npears\\n"
status 1: ls: /no/such/file: No such file or directory
line 1
line 2
line 3
status 4
HELLO
`,
  );
});

test('a pool of workers', { skip }, async () => {
  const squares = Array.from({ length: 20 }, (_, i) => i * i);
  assert.equal(await example('worker-pool'), `${squares.join(' ')}\n`);
});

test('limits of time, memory and output', { skip }, async () => {
  assert.match(
    await example('limits'),
    /^too slow: true, it said "begun\\n"\ntoo large: (true|false)\ntoo much output: true, kept "(y\\n){5}"\naborted: nobody/,
  );
});

test('a terminal in a web page', { skip }, async () => {
  const server = spawn(process.execPath, ['docs/examples/web-terminal.ts', rootfs], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(createInterface(server.stdout), 'line');
    const address = `127.0.0.1:${/\d+$/.exec(line)?.[0]}`;
    assert.match(await (await fetch(`http://${address}/`)).text(), /WebSocket/);
    const socket = new WebSocket(`ws://${address}/`);
    let screen = '';
    socket.on('message', (data) => {
      screen += data;
    });
    await once(socket, 'open');
    socket.send(Buffer.from(JSON.stringify({ width: 91, height: 33 })));
    socket.send('stty size; echo $((6 * 7))\r');
    await until(`the shell has answered: ${screen}`, () => /33 91\r\n42\r\n/.test(screen));
    assert.equal(left().length, 1);
    socket.close();
    await until('its container is gone with the page', () => left().length === 0);

    const other = new WebSocket(`ws://${address}/`);
    await once(other, 'open');
    other.send('exit\r');
    await once(other, 'close');
    await until('its container is gone with the shell', () => left().length === 0);
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
});
