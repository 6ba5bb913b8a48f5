/** The library with real containers, and the examples of docs/examples/ as they are. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { openRuntime } from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';

const skip = noContainers;
const work = workFolder('library');
const root = join(work.path, 'state');
const warnings: string[] = [];
const runtime = openRuntime({ root, onWarning: (message) => warnings.push(message) });
const idOf = (name: string) => `runchart-test-${process.pid}-${name}`;

after(() => {
  runtime.close();
  assert.deepEqual(existsSync(root) ? readdirSync(root) : [], [], 'no container is left');
  assert.deepEqual(warnings, []);
  work.remove();
});

function bundle(name: string, script: string): string {
  return makeBundle(join(work.path, name), shellConfig(script));
}

test('a whole life', { skip }, async () => {
  const output = join(work.path, 'output');
  const fd = openSync(output, 'w');
  const id = idOf('life');
  const container = await runtime.create({
    id,
    bundle: bundle('life', 'echo hello from $$ in $(hostname); exit 7'),
    stdio: [0, fd, fd],
  });
  closeSync(fd);
  const { pid, status } = await container.state();
  assert.equal(status, 'created');
  assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`/${id}$`, 'm'), 'the init is in its cgroup');
  await container.start();
  assert.deepEqual(await container.wait(), { status: 7 });
  assert.equal((await container.state()).status, 'stopped');
  assert.deepEqual(
    (await runtime.list()).map((one) => one.id),
    [id],
  );
  await container.delete();
  assert.equal(readFileSync(output, 'utf8'), 'hello from 1 in runchart\n');
  await assert.rejects(container.state(), { name: 'ContainerNotFoundError', code: 'NOT_FOUND', id });
});

test('a signal ends a container, and wait() says which', { skip }, async () => {
  const container = await runtime.create({ id: idOf('signal'), bundle: bundle('signal', 'sleep 100 & wait') });
  await container.start();
  await container.kill('SIGKILL');
  assert.deepEqual(await container.wait(), { status: 137, signal: 'SIGKILL' });
  await assert.rejects(container.kill('SIGKILL'), /^WrongStateError: cannot kill container \S+: it is stopped$/);
  await container.delete();
});

test('a request that fails says why in one line, and leaves nothing', { skip }, async () => {
  const missing = { ...shellConfig(''), process: { ...shellConfig('').process, args: ['no-such-program'] } };
  const creation = runtime.create({ id: idOf('missing'), bundle: bundle('missing', ''), config: missing });
  await assert.rejects(creation, {
    message: 'unable to start container process: exec: "no-such-program": executable file not found in $PATH',
  });
  await assert.rejects(runtime.create({ id: '../x', bundle: work.path }), /invalid container ID format/);
  await assert.rejects(runtime.create({ id: idOf('nothing'), bundle: work.path }), /config\.json/);
});

test('the library notices what others do to a container between its requests', { skip }, async () => {
  const id = idOf('others');
  const ours = await runtime.create({ id, bundle: bundle('others', 'sleep 100 & wait') });
  const theirs = openRuntime({ root }).container(id);
  await theirs.start();
  await assert.rejects(ours.start(), /cannot start container \S+: it is running$/);
  await theirs.pause();
  await assert.rejects(ours.pause(), /cannot pause container \S+: it is paused$/);
  await ours.resume();
  assert.equal((await theirs.state()).status, 'running');
  await assert.rejects(ours.delete(), /cannot delete container \S+: it is running$/);
  await theirs.delete({ force: true });
  await assert.rejects(ours.pause(), /container \S+ does not exist$/);

  const next = await runtime.create({ id, bundle: join(work.path, 'others') });
  await assert.rejects(ours.resume(), /cannot resume container \S+: it is created$/, 'another one of the same name');
  await next.delete({ force: true });
});

test('requests that are made at the same time are served one after the other', { skip }, async () => {
  const container = await runtime.create({ id: idOf('together'), bundle: bundle('together', 'sleep 100 & wait') });
  await Promise.all([container.start(), container.kill('SIGCONT')]);
  await Promise.allSettled([container.pause(), container.pause(), container.resume()]);
  await container.delete({ force: true });
});

test('wait() tells how a container ended as often as it is asked, whoever reaped it', { skip }, async () => {
  const folder = bundle('reaped', 'exit 4');
  const container = await runtime.create({ id: idOf('reaped'), bundle: folder });
  await container.start();
  const early = container.wait();
  await container.delete({ force: true });
  const exit = await early;
  assert.ok(exit.status === 4 || exit.signal === 'SIGKILL');
  assert.deepEqual(await container.wait(), exit);

  const late = await runtime.create({ id: idOf('late'), bundle: folder });
  await late.delete({ force: true });
  assert.deepEqual(await late.wait(), { status: 137, signal: 'SIGKILL' });
  await assert.rejects(runtime.container(idOf('late')).wait(), { code: 'NOT_FOUND' });
});

test('exec: arguments, environment, directory, user, standard descriptors, status', { skip }, async () => {
  const container = await runtime.create({ id: idOf('exec'), bundle: bundle('exec', 'sleep 100 & wait') });
  await container.start();
  const output = join(work.path, 'exec-output');
  const fd = openSync(output, 'w');
  const script = 'echo $GREETING $PWD $(id -u):$(id -g); exit 6';
  const executed = container.exec({
    args: ['sh', '-c', script],
    env: ['GREETING=hello'],
    cwd: '/tmp',
    user: { uid: 1000, gid: 100 },
    stdio: [0, fd, fd],
  });
  await executed.started;
  closeSync(fd);
  assert.deepEqual(await executed.wait(), { status: 6 });
  assert.deepEqual(await executed.wait(), { status: 6 });
  assert.equal(executed.kill(), false, 'it has ended');
  assert.equal(readFileSync(output, 'utf8'), 'hello /tmp 1000:100\n');

  const sleeper = container.exec({ args: ['sleep', '100'], stdio: [0, 1, 2] });
  await sleeper.started;
  const { pid } = await container.state();
  const cgroupOf = (one: number) => readFileSync(`/proc/${one}/cgroup`, 'utf8');
  assert.equal(cgroupOf(sleeper.pid ?? 0), cgroupOf(pid));
  sleeper.kill('SIGKILL');
  assert.deepEqual(await sleeper.wait(), { status: 137, signal: 'SIGKILL' });

  const missing = container.exec({ args: ['no-such-program'] });
  await assert.rejects(missing, /exec: "no-such-program": executable file not found in \$PATH/);
  await assert.rejects(container.exec({ args: [] }), /exec args cannot be empty/);
  await container.delete({ force: true });
  await assert.rejects(container.exec({ args: ['true'] }), /container \S+ does not exist$/);
});

test('many at once do not wait for one another', { skip }, async () => {
  const folder = bundle('many', 'read line; exit 3');
  const ends = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const input = openSync('/dev/null', 'r');
      const container = await runtime.create({ id: idOf(`many${i}`), bundle: folder, stdio: [input, 1, 2] });
      closeSync(input);
      const end = container.wait();
      await container.start();
      const { status } = await end;
      await container.delete();
      return status;
    }),
  );
  assert.deepEqual(
    ends,
    Array.from({ length: 12 }, () => 3),
  );
});

test('the examples in docs/ run as they are', { skip }, async () => {
  const repository = join(import.meta.dirname, '../..');
  await promisify(execFile)(process.execPath, ['build/library.ts'], { cwd: repository });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['docs/examples/library.ts', bundle('example', 'exit 5')],
    { cwd: repository },
  );
  assert.match(stdout, /its init is process \d+/);
  assert.match(stdout, /it ended with status 5/);
  assert.match(stdout, /: deleted\n$/);

  const executed = await promisify(execFile)(
    process.execPath,
    ['docs/examples/exec.ts', bundle('example-exec', 'sleep 100 & wait'), 'sh', '-c', 'echo $GREETING; exit 3'],
    { cwd: repository },
  );
  assert.match(executed.stdout, /^process \d+ is in example-exec-\d+$/m);
  assert.match(executed.stdout, /^hello$/m);
  assert.match(executed.stdout, /^it ended with status 3$/m);
});
