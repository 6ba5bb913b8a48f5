/** What the command can do beside a container's life, by the library. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Container, openRuntime, type UsageEvent } from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { commandLine, RUNCHART } from './command-line.ts';

const skip = noContainers;
const work = workFolder('library-operations');
const root = join(work.path, 'state');
const runtime = openRuntime({ root });
const idOf = (name: string) => `runchart-test-${process.pid}-${name}`;
const runchart = commandLine(RUNCHART, work.path);
const bundle = noContainers ? '' : makeBundle(join(work.path, 'bundle'), shellConfig('sleep 1000 & wait'));

after(() => {
  runtime.close();
  assert.deepEqual(existsSync(root) ? readdirSync(root) : [], [], 'no container is left');
  work.remove();
});

async function running(name: string): Promise<Container & AsyncDisposable> {
  const container = await runtime.create({ id: idOf(name), bundle });
  await container.start();
  return Object.assign(container, { [Symbol.asyncDispose]: () => container.delete({ force: true }) });
}

test('stats, pids, ps and config are of the container', { skip }, async () => {
  await using container = await running('look');
  const { pid } = await container.state();
  // The shell has begun when `start` resolves. It still has to start the other one.
  while ((await container.pids()).length < 2) await setTimeout(10);
  const { pids, memory, cpu } = await container.stats();
  assert.equal(Number(pids.current), 2, 'the shell and sleep');
  assert.ok(Number(memory.usage?.usage) > 0 && Number(cpu.usage?.total) > 0);
  const all = await container.pids();
  assert.equal(all.length, 2);
  assert.ok(all.includes(pid));
  const table = (await container.ps(['-e', '-o', 'pid,args'])).trim().split('\n');
  assert.match(table[0] ?? '', /PID/);
  assert.equal(table.length, 3);
  assert.match(table.join('\n'), /sleep 1000/);
  await assert.rejects(container.ps(['-e', '-o', 'args']), { code: 'FAILED', message: /PID field/ });
  assert.deepEqual((await container.config()).process?.args, ['sh', '-c', 'sleep 1000 & wait']);
});

test('update changes what it names, and the kernel knows', { skip }, async () => {
  await using container = await running('update');
  await container.update({ pids: { limit: 77 } });
  assert.equal((await container.stats()).pids.limit, 77);
  assert.equal((await container.config()).linux?.resources?.pids?.limit, 77);
  await container.update({ cpu: { shares: 512 } });
  assert.equal((await container.stats()).pids.limit, 77);
  const wrong: readonly [unknown, string][] = [
    [{ memory: { limit: 'much' } }, 'memory.limit'],
    [{ pids: 7 }, 'pids'],
    [null, ''],
    [7, ''],
  ];
  for (const [resources, field] of wrong)
    await assert.rejects(container.update(resources as never), { code: 'INVALID_CONFIG', field, id: container.id });
  assert.equal((await container.stats()).pids.limit, 77);
});

test('events are measured at intervals, until the loop or the container ends', { skip }, async () => {
  await using container = await running('events');
  const seen: UsageEvent[] = [];
  for await (const event of container.events({ intervalMs: 5 })) {
    seen.push(event);
    if (seen.length === 3) break;
  }
  assert.ok(seen.every((event) => event.type === 'stats' && Number(event.stats.pids.current) === 2));

  const stop = new AbortController();
  const reason = new Error('enough');
  const loop = async (): Promise<void> => {
    for await (const _ of container.events({ intervalMs: 5, signal: stop.signal })) stop.abort(reason);
  };
  await assert.rejects(loop(), (error) => error === reason);

  const events = container.events({ intervalMs: 10_000 });
  const next = events.next();
  await container.kill('KILL');
  assert.deepEqual(await next, { done: true, value: undefined });
  assert.deepEqual(await events.next(), { done: true, value: undefined });
  await assert.rejects(container.events().next(), { code: 'WRONG_STATE', status: 'stopped' });
  await assert.rejects(container.events({ intervalMs: 0 }).next(), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(container.events({ intervalMs: Number.NaN }).next(), { code: 'INVALID_ARGUMENT' });
});

test('a lack of memory is told', { skip }, async (t) => {
  const id = idOf('oom');
  const config = shellConfig('x=x; while :; do x=$x$x; done');
  const resources = { ...config.linux?.resources, memory: { limit: 8 * 2 ** 20, swap: 8 * 2 ** 20 } };
  const container = await runtime
    .create({ id, bundle, config: { ...config, linux: { ...config.linux, resources } } })
    .catch((error: Error) => error);
  if (container instanceof Error) return t.skip(`no limit of memory and swap here: ${container.message}`);
  try {
    const told: UsageEvent['type'][] = [];
    for await (const event of container.events({ intervalMs: 20 })) {
      // Now somebody watches.
      if (told.length === 0) await container.start();
      if (event.type === 'oom' || told.length === 0) told.push(event.type);
    }
    assert.equal(told.at(-1), 'oom');
  } finally {
    await container.delete({ force: true });
  }
});

test('features and spec are those of the command', { skip }, () => {
  assert.deepEqual(JSON.parse(JSON.stringify(runtime.features())), JSON.parse(runchart('features').stdout));
  for (const rootless of [false, true]) {
    const folder = join(work.path, `spec-${rootless}`);
    mkdirSync(folder);
    assert.equal(runchart('spec', '-b', folder, ...(rootless ? ['--rootless'] : [])).status, 0);
    assert.deepEqual(runtime.spec({ rootless }), JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')));
  }
  assert.equal(runtime.spec().linux?.uidMappings, undefined);
  assert.ok(runtime.spec({ rootless: true }).linux?.uidMappings);
});
