/** The processes that a program makes with the library: who reaps them, and how their end is told. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openRuntime } from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
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
