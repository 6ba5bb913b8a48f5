/** What a program hears of its containers: each state once, in order, and the end of a process with it. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ContainerEvent, openRuntime } from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';

const skip = noContainers;
const work = workFolder('library-events');
const root = join(work.path, 'state');
const runtime = openRuntime({ root });
const idOf = (name: string) => `runchart-test-${process.pid}-${name}`;
const waiting = noContainers ? '' : makeBundle(join(work.path, 'waiting'), shellConfig('sleep 1000 & wait'));

after(() => {
  runtime.close();
  assert.deepEqual(existsSync(root) ? readdirSync(root) : [], [], 'no container is left');
  work.remove();
});

const shown = (event: ContainerEvent): string => ('phase' in event ? `${event.type} ${event.phase}` : event.type);

const CREATION = ['cgroup', 'namespaces', 'mounts', 'rootfs', 'process', 'saving'].map((phase) => `creating ${phase}`);
const DELETION = [...['init', 'cgroup', 'directory'].map((phase) => `deleting ${phase}`), 'deleted'];

test('a whole life: each state once, and the end of its process when that ends', { skip }, async () => {
  const id = idOf('life');
  const bundle = makeBundle(join(work.path, 'life'), shellConfig('exit 7'));
  const heard: ContainerEvent[] = [];
  using _ = runtime.subscribe((event) => heard.push(event));
  const container = await runtime.create({ id, bundle });
  const { pid } = await container.state();
  await container.start();
  await container.wait();
  assert.deepEqual(heard.at(-1), { type: 'stopped', id, exit: { status: 7 } }, 'told before wait() resolves');
  await assert.rejects(container.start());
  await container.delete();
  assert.deepEqual(heard.map(shown), [...CREATION, 'created', 'starting', 'running', 'stopped', ...DELETION]);
  assert.ok(heard.every((event) => event.id === id));
  for (const event of heard) if ('pid' in event) assert.equal(event.pid, pid, event.type);
});

test('requests that lead nowhere else tell nothing; pausing, resuming and another runtime do', { skip }, async () => {
  const id = idOf('pause');
  const container = await runtime.create({ id, bundle: waiting });
  await container.start();
  const heard: string[] = [];
  const end = container.subscribe((event) => heard.push(shown(event)));
  for (const signal of ['SIGCONT', 'CONT', 18] as const) await container.kill(signal);
  await container.state();
  assert.deepEqual(heard, []);
  await container.pause();
  await container.kill('SIGCONT');
  await container.resume();
  assert.deepEqual(heard.splice(0), ['pausing', 'paused', 'resuming', 'running']);

  const other = openRuntime({ root });
  await other.container(id).pause();
  await container.kill('SIGCONT');
  assert.deepEqual(heard.splice(0), ['paused'], 'what another did is told with the next request');
  await other.container(id).resume();
  await container.kill('SIGCONT');
  assert.deepEqual(heard.splice(0), ['running']);

  await container.delete({ force: true });
  assert.deepEqual(heard.splice(0), ['deleting init', 'stopped', ...DELETION.slice(1)]);
  end();
  const again = await runtime.create({ id, bundle: waiting });
  await again.delete({ force: true });
  assert.deepEqual(heard, [], 'the subscription is over');
  other.close();
});

test('a creation that fails is undone, and that is told', { skip }, async () => {
  const config = shellConfig('');
  const bundle = makeBundle(join(work.path, 'failing'), {
    ...config,
    process: { ...config.process, args: ['no-such-program'] },
  });
  const heard: string[] = [];
  using _ = runtime.subscribe((event) => heard.push(shown(event)));
  await assert.rejects(runtime.create({ id: idOf('failing'), bundle }), { phase: 'process', errno: 'ENOENT' });
  const undone = ['unwinding init', 'unwinding cgroup', 'unwinding directory', 'failed'];
  assert.deepEqual(
    heard.filter((one) => !one.startsWith('creating')),
    undone,
  );
});

test('the processes of exec, from their start to their end', { skip }, async () => {
  const id = idOf('exec');
  const container = await runtime.create({ id, bundle: waiting });
  await container.start();
  const heard: ContainerEvent[] = [];
  using _ = container.subscribe((event) => heard.push(event));
  const executed = container.exec({ args: ['sh', '-c', 'exit 3'] });
  await executed.wait();
  assert.deepEqual(heard.splice(0), [
    { type: 'exec', id, pid: executed.pid },
    { type: 'exited', id, pid: executed.pid, exit: { status: 3 } },
  ]);
  await container.kill('SIGKILL');
  await container.wait();
  assert.deepEqual(heard, [{ type: 'stopped', id, exit: { status: 137, signal: 'SIGKILL' } }]);
  await container.delete();
});

test('in an inspector each actor has the name of its container', { skip }, async () => {
  const names = new Set<string>();
  const inspected = openRuntime({
    root,
    inspect: (event) => {
      if (event.type === '@xstate.snapshot') names.add('id' in event.actorRef ? String(event.actorRef.id) : '');
    },
  });
  const id = idOf('inspected');
  const container = await inspected.create({ id, bundle: waiting });
  await container.start();
  await container.exec({ args: ['true'] });
  await container.delete({ force: true });
  inspected.close();
  assert.ok(names.has(id), [...names].join(', '));
  assert.ok(names.has(`exec in ${id}`), [...names].join(', '));
  assert.ok(!names.has('container'));
});
