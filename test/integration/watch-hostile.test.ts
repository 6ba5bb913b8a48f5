/**
 * Watchers that are none, that hang or that are gone cost a command nothing. And whoever may not watch, or sends
 * nonsense, gets nothing and breaks nothing.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, get, type IncomingHttpHeaders } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { WebSocket as Client } from 'ws';
import { bindUnix, connectUnix, listen, sendAtOnce, socket } from '../../native/calls/sockets.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import type { Fd } from '../../native/kernel/numbers.ts';
import { type Owned, OwnedStack, opened } from '../../native/kernel/owned.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { loadLibc } from '../../native/libraries/libc.ts';
import { localKernel } from '../../native/performers/local.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { commandLine, messageOf, RUNCHART } from './command-line.ts';
import { isResident } from './dist.ts';
import { openPage, startWatch } from './watching.ts';

const skip = noContainers;
const work = workFolder('watch-hostile');
after(() => work.remove());
const kernel = localKernel(loadLibc());

let count = 0;
function place() {
  const folder = join(work.path, String(++count));
  mkdirSync(folder);
  const run = commandLine(RUNCHART, folder);
  mkdirSync(run.root, { mode: 0o700 });
  return { folder, run, root: run.root, socketPath: join(run.root, '@watch') };
}

/** What commands find in the place of a watcher. @returns what ends it */
const IMPOSTORS: Readonly<Record<string, (path: string) => Disposable | undefined>> = {
  'a file': (path) => void writeFileSync(path, ''),
  'a directory': (path) => void mkdirSync(path),
  'a link that leads nowhere': (path) => void symlinkSync('/nowhere', path),
  'a fifo that nobody reads': (path) => void spawnSync('mkfifo', [path]),
  'a socket of another kind': (path) => {
    const server = createSocketServer().listen(path);
    server.unref();
    chmodSync(path, 0o600);
    return { [Symbol.dispose]: () => void server.close() };
  },
  'a socket that others may connect to': (path) => listening(path, 5, 0o666),
  'a socket of another user': (path) => {
    const server = listening(path, 5);
    chownSync(path, 54_321, 54_321);
    return server;
  },
  'a watcher that accepts nobody': (path) => listening(path, 5),
  'a watcher whose queue is full': (path) => {
    const kept = new OwnedStack();
    kept.use(listening(path, 0));
    for (let i = 0; i < 5; i++) {
      const one = kept.use(opened(kernel, socket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK)));
      attempt(kernel, connectUnix(one.fd, path));
    }
    return kept;
  },
  'a watcher that has died': (path) => void listening(path, 5)[Symbol.dispose](),
};

/** A socket of the kind that a watcher has. Its file stays. */
function listening(path: string, backlog: number, mode = 0o600): Owned {
  const server = opened(kernel, socket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK));
  call(kernel, bindUnix(server.fd, path));
  chmodSync(path, mode);
  call(kernel, listen(server.fd, backlog));
  return server;
}

const AT_ONCE = 10;

/** How much of the processor's time a command takes that fails at once, in milliseconds. The time of the clock would
 * be that of whatever else the machine does. */
function processorTime(root: string): number {
  const script = `time for i in {1..${AT_ONCE}}; do ${RUNCHART} --root ${root} kill nobody; done 2>/dev/null`;
  const { stderr } = spawnSync('bash', ['-c', `TIMEFORMAT='%3U %3S'; ${script}`], { encoding: 'utf8' });
  const [user, system] = stderr.trim().split(' ').map(Number);
  return ((Number(user) + Number(system)) * 1000) / AT_ONCE;
}

describe('a command does not mind', { skip }, () => {
  const bundle = makeBundle(join(work.path, 'bundle'), shellConfig('echo hello; exit 3'));
  for (const [title, make] of Object.entries(IMPOSTORS))
    test(title, () => {
      const { run, socketPath } = place();
      const impostor = make(socketPath);
      try {
        const id = `runchart-test-${process.pid}-hostile-${count}`;
        assert.deepEqual(run('run', '--bundle', bundle, id), { status: 3, stdout: 'hello\n', stderr: '' });
        assert.match(messageOf(run('start', id)), /does not exist/);
      } finally {
        impostor?.[Symbol.dispose]();
      }
    });

  const elsewhere = isResident && 'by a server, a command’s time is spent in another process';
  test('a watcher that does not read: it takes a millisecond longer at most', { skip: elsewhere }, async (t) => {
    const { run, root } = place();
    const alone = place();
    const watching = await startWatch('--root', root, 'watch');
    const page = await openPage(watching);
    // A stopped process does not read, and its queue takes some hundred packets.
    watching.process.kill('SIGSTOP');
    const times: Record<'alone' | 'watched', number[]> = { alone: [], watched: [] };
    for (let round = 0; round < 8; round++) {
      times.alone.push(processorTime(alone.root));
      times.watched.push(processorTime(root));
    }
    const id = `runchart-test-${process.pid}-hostile-slow`;
    assert.equal(run('run', '--bundle', bundle, id).status, 3);
    watching.process.kill('SIGCONT');
    await page.ended(id, 'run');
    const least = (name: keyof typeof times) => Math.min(...times[name]);
    assert.ok(least('alone') > 1, 'the time is measured');
    const cost = least('watched') - least('alone');
    t.diagnostic(`${cost.toFixed(2)} ms more than the ${least('alone').toFixed(2)} ms without a watcher`);
    // 1 ms where a command takes 5, as it does here. Both grow on a slower machine, and on one that is busy.
    assert.ok(cost < Math.max(1, least('alone') / 5), `${cost} ms more than ${least('alone')} ms`);
    await page.close();
    assert.equal(await watching.stop(), 0);
  });

  test('its watcher, and neither the container nor a hook gets the connection', async () => {
    const { run, root, folder } = place();
    const script = 'ls /proc/self/fd | wc -l; ls -l /proc/self/fd 2>/dev/null | grep -c socket; true';
    const told = join(folder, 'told');
    const hook = { path: '/bin/sh', args: ['sh', '-c', `(${script}) >> ${told}`] };
    const listing = makeBundle(join(folder, 'listing'), { ...shellConfig(script), hooks: { createRuntime: [hook] } });
    const id = `runchart-test-${process.pid}-hostile-listing`;
    const without = run('run', '--bundle', listing, id);
    assert.deepEqual([without.status, without.stderr], [0, '']);
    const watching = await startWatch('--root', root, 'watch');
    const page = await openPage(watching);
    assert.deepEqual(run('run', '--bundle', listing, id), without);
    await page.ended(id, 'run');
    const [first, second, ...others] = readFileSync(told, 'utf8').trim().split('\n');
    assert.deepEqual(others, [first, second]);
    // A descriptor that nobody has passed is none of ours: the connection's number is far above.
    assert.match(messageOf(run('run', '--preserve-fds', '450', '--bundle', listing, id)), /is not open/);
    await page.close();
    assert.equal(await watching.stop(), 0);
  });

  test('that its watcher ends while it runs', async () => {
    const { run, root } = place();
    const long = makeBundle(join(work.path, 'long'), shellConfig('sleep 1000'));
    const id = `runchart-test-${process.pid}-hostile-left`;
    const watching = await startWatch('--root', root, 'watch');
    const page = await openPage(watching);
    const command = spawn(RUNCHART, ['--root', root, 'run', '--bundle', long, id], { stdio: 'ignore' });
    const exited = once(command, 'exit');
    await page.at(id, 'running');
    await watching.stop('SIGKILL');
    assert.equal(run('kill', id, 'KILL').status, 0);
    assert.deepEqual(await exited, [137, null]);
    // The next watcher takes the place of the dead one.
    const next = await startWatch('--root', root, 'watch');
    assert.equal(await next.stop(), 0);
    assert.deepEqual(readdirSync(root), []);
  });
});

test('a watcher takes nonsense from its own user, and goes on', { skip }, async () => {
  const { run, root, socketPath } = place();
  const bundle = join(work.path, 'bundle');
  const watching = await startWatch('--root', root, 'watch');
  const page = await openPage(watching);
  const told = (fd: Fd, text: string) => attempt(kernel, sendAtOnce(fd, new TextEncoder().encode(text)));
  const base = '"at":1,"run":"x"';
  const connections = Array.from({ length: 50 }, () => {
    const one = opened(kernel, socket(AF.UNIX, SOCK.SEQPACKET | SOCK.NONBLOCK));
    call(kernel, connectUnix(one.fd, socketPath));
    return one;
  });
  const nonsense = [
    'null\n[]\n{}\n{"type":"state"}\n{"type":"__proto__"}',
    '\u0000'.repeat(1000),
    `{"type":"record",${base},"actor":"x:0","id":"c","record":{"init":7,"annotations":[1],"__proto__":{}}}`,
    `{"type":"state",${base},"id":"<script>alert(1)</script>","state":"${'x'.repeat(50_000)}","status":"running"}`,
    `{"type":"state",${base},"id":"c","state":"s","status":"no status"}`,
    `{"type":"snapshot",${base},"actor":"x:0","event":{"type":7},"status":"active"}`,
    `{"type":"end","at":1e300,"run":"x"}`,
    `{"type":"command",${base},"format":1,"version":"","command":"run","id":"../../etc","pid":-1}`,
    // An empty packet looks like the end of the connection.
    '',
    'null',
  ];
  for (const { fd } of connections) for (const text of nonsense) told(fd, text);
  for (const one of connections) one[Symbol.dispose]();
  const id = `runchart-test-${process.pid}-hostile-after`;
  assert.equal(run('run', '--bundle', bundle, id).status, 3);
  await page.ended(id, 'run');
  assert.ok(page.container('<script>alert(1)</script>'), 'a name is text, whatever it is');
  assert.equal((await page.ask(root, '../../etc')).record, null);
  await page.close();
  assert.equal(await watching.stop(), 0);
  assert.equal(watching.errors(), '');
});

interface Response {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
}

function request(url: URL, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  get(url, { headers }, (response) => {
    response.resume();
    resolve({ status: response.statusCode, headers: response.headers });
  }).on('error', reject);
  return promise;
}

/** @returns the status that the server answers with; 101 where it takes the WebSocket */
function upgrade(url: URL, headers: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
  const client = new Client(url, { headers });
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  client.on('open', () => {
    client.terminate();
    resolve(101);
  });
  client.on('unexpected-response', (_, response) => resolve(response.statusCode));
  client.on('error', () => undefined);
  return promise;
}

describe('the server', { skip }, () => {
  test('gives nothing to who has no token, calls it by another name, or comes from another page', async () => {
    const { root } = place();
    const watching = await startWatch('--root', root, 'watch');
    const { page, inspect } = watching;
    const without = new URL('/', page);
    const wrong = new URL(`/?token=${'x'.repeat(32)}`, page);
    const sockets = [inspect, new URL(`/page${page.search}`, inspect)];
    const { status, headers } = await request(page);
    assert.ok(status === 200 || (status === 404 && !existsSync(join(RUNCHART, '../page'))), String(status));
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self';/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    for (const url of [without, wrong]) assert.equal((await request(url)).status, 403);
    for (const host of ['evil.example', `evil.example:${page.port}`, '127.0.0.1', '127.0.0.1:1'])
      assert.equal((await request(page, { host })).status, 403, host);
    assert.notEqual((await request(page, { host: `localhost:${page.port}` })).status, 403);
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1', `https://127.0.0.1:${page.port}`])
      assert.equal((await request(page, { origin })).status, 403, origin);
    for (const url of sockets) {
      assert.equal(await upgrade(url), 101);
      assert.equal(await upgrade(url, { origin: page.origin }), 101);
      assert.equal(await upgrade(new URL(url.pathname, url)), 403);
      assert.equal(await upgrade(url, { origin: 'https://evil.example' }), 403);
      assert.equal(await upgrade(url, { host: 'evil.example' }), 403);
    }
    assert.equal(await upgrade(new URL(`/other${page.search}`, inspect)), 404);
    assert.equal((await request(new URL(`/../../etc/passwd${page.search}`, page))).status, 404);
    assert.equal((await request(new URL(`/stately${page.search}`, page))).status, 404, 'nobody asked for it');
    assert.equal(await watching.stop(), 0);
  });

  test('serves the bridge to stately.ai to who asks for it', async () => {
    const { root } = place();
    const watching = await startWatch('--root', root, 'watch', '--stately');
    const { status, headers } = await request(new URL(`/stately${watching.page.search}`, watching.page));
    assert.equal(status, 200);
    assert.match(String(headers['content-security-policy']), /frame-src https:\/\/stately\.ai;/);
    assert.equal((await request(new URL('/stately', watching.page))).status, 403);
    assert.equal(await watching.stop(), 0);
  });

  test('keeps its token where --token-file says', async () => {
    const { root, folder } = place();
    const file = join(folder, 'token');
    const links: string[] = [];
    for (let round = 0; round < 2; round++) {
      const watching = await startWatch('--root', root, 'watch', '--token-file', file);
      links.push(watching.page.search);
      await watching.stop();
    }
    assert.equal(links[0], links[1]);
    chmodSync(file, 0o644);
    assert.match(messageOf(commandLine(RUNCHART, folder)('watch', '--token-file', file)), /may be read by others/);
  });
});

describe('what cannot be watched is told in one line', { skip }, () => {
  test('a port in use, a root that is watched already or is another user’s', async () => {
    const { run, root } = place();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    assert.match(
      messageOf(run('watch', '--listen', String(port))),
      /^listen on 127\.0\.0\.1:\d+: EADDRINUSE: another program has this port/,
    );
    server.close();
    assert.deepEqual(readdirSync(root), []);
    const watching = await startWatch('--root', root, 'watch');
    assert.match(messageOf(run('watch')), /^watch .*: another runchart watch watches it already$/);
    assert.ok(existsSync(join(root, '@watch')), 'the other one is left alone');
    assert.equal(await watching.stop(), 0);
    chownSync(root, 54_321, 54_321);
    assert.match(messageOf(run('watch')), /belongs to uid 54321/);
    rmSync(root, { recursive: true });
  });

  test('a file that is no recording; words that make no sense', () => {
    const { run, folder } = place();
    const file = join(folder, 'file');
    for (const [text, expected] of [
      ['', /is no recording and no trace\.jsonl: it is empty$/],
      ['{"level":"info"}\n', /is no recording and no trace\.jsonl: line 1 is not one of theirs$/],
      ['x'.repeat(5_000_000), /is no recording and no trace\.jsonl: /],
    ] as const) {
      writeFileSync(file, text);
      assert.match(messageOf(run('watch', file)), expected);
      assert.match(messageOf(run('watch', '--export', 'otlp', file)), expected);
    }
    assert.match(messageOf(run('watch', join(folder, 'nothing'))), /nothing: ENOENT/);
    assert.match(messageOf(run('watch', folder)), /EISDIR/);
    assert.match(messageOf(run('watch', '--export', 'svg', file)), /invalid --export "svg": otlp or chrome/);
    assert.match(messageOf(run('watch', '--export', 'otlp')), /--export needs the file/);
    assert.match(messageOf(run('watch', '--listen', '70000')), /invalid --listen "70000"/);
    assert.match(messageOf(run('watch', '--speed', '-1')), /invalid --speed "-1"/);
    assert.match(messageOf(run('watch', '--record', 'x', file)), /--record keeps what commands do/);
  });
});
