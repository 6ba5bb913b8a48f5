/** The processes that a program makes with the library: who reaps them, and how their end is told. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { closeAll } from '../../effects/foreground/ends.ts';
import { openRuntime } from '../../library/index.ts';
import { bindUnix, receiveBuffers, receivedDescriptors, receiveMessage, socket } from '../../native/calls/sockets.ts';
import { AF, SOCK } from '../../native/constants/socket.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { opened } from '../../native/kernel/owned.ts';
import { attempt, perform } from '../../native/kernel/perform.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { listenAt } from './listening-socket.ts';
import { until } from './lives.ts';

const skip = noContainers;
const work = workFolder('library-processes');
const root = join(work.path, 'state');
const warnings: string[] = [];
const runtime = openRuntime({ root, onWarning: (message) => warnings.push(message) });
const idOf = (name: string) => `runchart-test-${process.pid}-${name}`;
const bundle = noContainers ? '' : makeBundle(join(work.path, 'bundle'), shellConfig('sleep 1000 & wait'));

after(() => {
  runtime.close();
  assert.deepEqual(existsSync(root) ? readdirSync(root) : [], [], 'no container is left');
  assert.deepEqual(warnings, []);
  work.remove();
});

const isThere = (pid: number) => existsSync(`/proc/${pid}`);

test('what exec made is reaped though nobody waits for it, and the container can end', { skip }, async () => {
  const container = await runtime.create({ id: idOf('unwaited'), bundle });
  await container.start();
  const unwaited = container.exec({ args: ['true'], stdio: 'ignore' });
  await unwaited.started;
  const pid = unwaited.pid ?? assert.fail('no pid');
  await until('the process is gone, and is no zombie', () => !isThere(pid));

  const sleeper = container.exec({ args: ['sleep', '1000'], stdio: 'ignore' });
  await sleeper.started;
  await container.kill('SIGKILL');
  assert.deepEqual(await container.wait(), { status: 137, signal: 'SIGKILL' });
  await until('the other one is gone with the container', () => !isThere(sleeper.pid ?? 0));
  await container.delete();
});

test('a worker thread reaps too', { skip }, async () => {
  const script = `
    const { openRuntime } = await import(${JSON.stringify(new URL('../../library/index.ts', import.meta.url).href)});
    const { parentPort } = await import('node:worker_threads');
    const runtime = openRuntime({ root: ${JSON.stringify(root)} });
    const { stdout } = await runtime.run({ bundle: ${JSON.stringify(bundle)}, args: ['echo', 'hello'] });
    const options = { bundle: ${JSON.stringify(bundle)}, stdio: 'ignore' };
    const container = await runtime.create({ id: '${idOf('worker')}', ...options });
    await container.start();
    const unwaited = container.exec({ args: ['true'], stdio: 'ignore' });
    await unwaited.started;
    await container.delete({ force: true });
    runtime.close();
    parentPort.postMessage({ stdout, exit: await container.wait() });
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  const [message] = await once(worker, 'message');
  assert.deepEqual(message, { stdout: 'hello\n', exit: { status: 137, signal: 'SIGKILL' } });
  await once(worker, 'exit');
});

test('wait tells how a container of another process ended', { skip }, async () => {
  for (const [args, expected] of [
    ['exit 7', { status: 7 }],
    ['exit 0', { status: 0 }],
    ['sleep 1000 & wait', { status: 137, signal: 'SIGKILL' }],
  ] as const) {
    const id = idOf(`foreign${expected.status}`);
    const theirs = openRuntime({ root });
    const container = await theirs.create({ id, bundle, args: ['sh', '-c', args], stdio: 'ignore' });
    const foreign = runtime.container(id);
    const early = foreign.wait();
    await assert.rejects(foreign.wait({ timeout: 1 }), { name: 'TimeoutError' });
    await container.start();
    if (expected.status === 137) await foreign.kill('SIGKILL');
    assert.deepEqual(await early, expected);
    assert.deepEqual(await container.wait(), expected);
    await assert.rejects(foreign.wait(), /has ended already/);
    await container.delete();
    theirs.close();
  }
});

test('a time limit ends a process, and the result says so', { skip }, async () => {
  const { status, timedOut, stdout } = await runtime.run({
    bundle,
    args: ['sh', '-c', 'echo begun; sleep 1000'],
    timeout: 300,
  });
  assert.deepEqual({ status, timedOut, stdout }, { status: 137, timedOut: true, stdout: 'begun\n' });
  assert.deepEqual(readdirSync(root), []);
});

test('an AbortSignal ends what waits, and what is half made is unwound', { skip }, async () => {
  const reason = new Error('enough');
  const aborted = AbortSignal.abort(reason);
  const isReason = (error: unknown) => error === reason;
  await assert.rejects(runtime.create({ id: idOf('aborted'), bundle, signal: aborted }), isReason);
  await assert.rejects(runtime.run({ bundle, signal: aborted }), isReason);

  const hanging = {
    ...shellConfig('true'),
    hooks: { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1000'] }] },
  };
  const during = new AbortController();
  const creation = runtime.create({
    id: idOf('hanging'),
    bundle,
    config: hanging,
    stdio: 'ignore',
    signal: during.signal,
  });
  void setTimeout(200).then(() => during.abort(reason));
  await assert.rejects(creation, isReason);
  const limited = runtime.create({ id: idOf('limited'), bundle, config: hanging, stdio: 'ignore', timeout: 200 });
  await assert.rejects(limited, { name: 'TimeoutError' });
  assert.deepEqual(readdirSync(root), []);

  const running = new AbortController();
  const run = runtime.run({ bundle, args: ['sleep', '1000'], signal: running.signal });
  await run.started;
  running.abort(reason);
  await assert.rejects(run, isReason);
  assert.deepEqual(readdirSync(root), []);
});

test('what is left of a block is ended: processes and containers', { skip }, async () => {
  let pid = 0;
  {
    await using container = await runtime.create({ id: idOf('using'), bundle, stdio: 'ignore' });
    await container.start();
    await using process = container.exec({ args: ['sleep', '1000'] });
    await process.started;
    pid = process.pid ?? 0;
    assert.ok(isThere(pid));
    await using run = runtime.run({ bundle, args: ['sleep', '1000'] });
    await run.started;
  }
  assert.ok(!isThere(pid));
  assert.deepEqual(readdirSync(root), []);
});

test('lack of memory is told', { skip }, async (t) => {
  const config = shellConfig('');
  const limited = { ...config, linux: { ...config.linux, resources: { memory: { limit: 16 << 20 } } } };
  const eats = ['sh', '-c', 'head -c 100000000 /dev/zero | tail'];
  const result = await runtime.run({ bundle, config: limited, args: eats });
  if (!result.outOfMemory && result.status === 0) return t.skip('nothing limits memory here');
  assert.equal(result.outOfMemory, true);
  await using container = await runtime.create({
    id: idOf('oom'),
    bundle,
    config: { ...limited, process: { ...config.process, args: ['sleep', '1000'] } },
    stdio: 'ignore',
  });
  await container.start();
  assert.equal((await container.exec({ args: ['true'] })).outOfMemory, false);
  assert.equal((await container.exec({ args: eats })).outOfMemory, true);
});

test('a process of exec waits in a paused container, and the program goes on meanwhile', { skip }, async () => {
  await using container = await runtime.create({ id: idOf('paused'), bundle, stdio: 'ignore' });
  await container.start();
  await container.pause();
  const waiting = container.exec({ args: ['echo', 'at last'], ignorePaused: true });
  await assert.rejects(container.exec({ args: ['true'] }), { code: 'WRONG_STATE' });
  await setTimeout(100);
  await container.resume();
  assert.equal((await waiting).stdout, 'at last\n');
});

test('200 containers at once, in one process', { skip }, async () => {
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) => runtime.run({ bundle, args: ['sh', '-c', `echo ${i}; exit ${i}`] })),
  );
  results.forEach(({ status, stdout }, i) => {
    assert.deepEqual([status, stdout], [i, `${i}\n`]);
  });
  assert.deepEqual(readdirSync(root), []);
});

test('to close a runtime ends what waits, and what run has made', { skip }, async () => {
  const own = openRuntime({ root });
  await using container = await own.create({ id: idOf('closed'), bundle, stdio: 'pipe' });
  await container.start();
  const waits = [
    container.wait(),
    own.container(container.id).wait(),
    container.exec({ args: ['sleep', '1000'] }).then(),
    own.run({ bundle, args: ['sleep', '1000'] }).then(),
  ];
  const settled = Promise.allSettled(waits);
  await until('the run has begun', () => readdirSync(root).length === 2);
  await setTimeout(300);
  own.close();
  for (const one of await settled) {
    assert.equal(one.status, 'rejected');
    assert.equal(one.reason.name, 'AbortError', String(one.reason));
  }
  assert.deepEqual(readdirSync(root), [container.id], 'what run made is gone, and what create made lives on');
  assert.equal((await container.exec({ args: ['echo', 'again'] })).stdout, 'again\n', 'it may be used again');
  own.close();
});

test('NOTIFY_SOCKET: whoever is to be told hears that the process is ready', { skip }, async () => {
  const { local } = hostPlatform();
  const notifySocket = join(work.path, 'notify');
  using boss = opened(local, socket(AF.UNIX, SOCK.DGRAM | SOCK.NONBLOCK));
  perform(local, [bindUnix(boss.fd, notifySocket)]);
  let heard = '';
  const listen = (): string => {
    const buffers = receiveBuffers(1, 4096);
    const length = attempt(local, receiveMessage(boss.fd, buffers));
    closeAll(local, receivedDescriptors(buffers.control));
    if (length > 0) heard += new TextDecoder().decode(buffers.data.bytes.subarray(0, length));
    return heard;
  };
  // The only program of busybox that talks to such sockets. Its message begins with other lines.
  const say = 'ln -s /run/notify/notify.sock /dev/log; logger "$(printf \'here\\nREADY=1\')"; sleep 1000';
  const config = shellConfig(say);
  const writable = { ...config, root: { path: 'rootfs', readonly: false } };
  await using container = await runtime.create({
    id: idOf('notify'),
    bundle,
    config: writable,
    notifySocket,
    stdio: 'ignore',
  });
  await container.start();
  const { pid } = await container.state();
  await until(`it is told: ${heard}`, () => listen().includes(`READY=1\nMAINPID=${pid}\n`));
});

test('a console socket gets the terminal, and a pidfd socket the process', { skip }, async () => {
  const console_ = listenAt(join(work.path, 'console'));
  const pidfds = listenAt(join(work.path, 'pidfd'));
  try {
    await using container = await runtime.create({
      id: idOf('sockets'),
      bundle,
      terminal: true,
      consoleSocket: console_.path,
      pidfdSocket: pidfds.path,
    });
    assert.equal(container.terminal, undefined, 'it is with whoever listens');
    const master = console_.receive();
    const pidfd = pidfds.receive();
    const { pid } = await container.state();
    assert.match(readFileSync(`/proc/self/fdinfo/${pidfd.fd}`, 'utf8'), new RegExp(`^Pid:\\s${pid}$`, 'm'));
    assert.match(readlinkSync(`/proc/self/fd/${master.fd}`), /ptmx$/);
    closeSync(master.fd);
    closeSync(pidfd.fd);
  } finally {
    console_.close();
    pidfds.close();
  }
});

test('a program ends when its work does, whatever it has left running', { skip }, async () => {
  const program = `
    const { openRuntime } = await import(${JSON.stringify(new URL('../../library/index.ts', import.meta.url).href)});
    const runtime = openRuntime({ root: ${JSON.stringify(root)} });
    const options = { bundle: ${JSON.stringify(bundle)}, stdio: 'ignore' };
    const container = await runtime.create({ id: '${idOf('left')}', ...options });
    await container.start();
    const left = container.exec({ args: ['sleep', '1000'], stdin: 'pipe', timeout: 1000000 });
    await left.started;
    await container.exec({ args: ['true'] });
    runtime.close();
    console.log('done');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = text(child.stdout);
  const [status] = await once(child, 'exit');
  assert.equal(status, 0);
  assert.equal(await said, 'done\n');
  const left = runtime.container(idOf('left'));
  assert.equal((await left.state()).status, 'running');
  await left.delete({ force: true });
});
