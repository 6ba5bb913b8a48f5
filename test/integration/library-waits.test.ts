/** A program goes on while the library waits for the processes that it has asked for something. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { contextOf } from '../../library/context.ts';
import { create } from '../../library/create.ts';
import { run } from '../../library/run.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import type { Kernel } from '../../native/kernel/kernel.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';

const skip = noContainers;
const work = workFolder('library-waits');
const idOf = (name: string | number) => `runchart-test-${process.pid}-waits-${name}`;

/** What the engine stood still for. */
const stoodStill: string[] = [];

/** Whether the kernel's `flush` would wait. */
function wouldWait({ arrive }: Kernel): boolean {
  let waits = false;
  void arrive?.(async () => {
    waits = true;
  });
  return waits;
}

/** Takes note of each wait for another process that stops the engine. */
function watched(kernel: Kernel): Kernel {
  const { performer, arrive, flush } = kernel;
  if (arrive === undefined) return kernel;
  return {
    ...kernel,
    submit(calls) {
      stoodStill.push(`${performer}: ${calls.map(({ name }) => name)}`);
      return kernel.submit(calls);
    },
    flush() {
      if (wouldWait(kernel)) stoodStill.push(`${performer}: what was posted`);
      flush?.();
    },
  };
}

const context = contextOf({ root: join(work.path, 'state') }, hostPlatform(watched));
const bundle = noContainers ? '' : makeBundle(join(work.path, 'bundle'), shellConfig('echo hello'));
const rootfs = join(bundle, 'rootfs');

after(() => {
  context.platform.standing.retire();
  context.devicePrograms.close();
  context.streams.close();
  work.remove();
});

test('the engine stands still for no other process while containers are made', { skip }, async () => {
  for (const what of [{ bundle }, { rootfs, args: ['echo', 'hello'], memory: '64m' }]) {
    stoodStill.length = 0;
    const running = Array.from({ length: 12 }, (_, i) => run(context, { id: idOf(i), ...what }));
    for (const { status, stdout } of await Promise.all(running))
      assert.deepEqual({ status, stdout }, { status: 0, stdout: 'hello\n' });
    assert.deepEqual(stoodStill, []);
  }
});

test('nor while a container goes through its life, and others are started in it', { skip }, async () => {
  stoodStill.length = 0;
  await using container = await create(context, {
    id: idOf('life'),
    rootfs,
    args: ['sleep', '1000'],
    readonly: true,
    stdin: 'ignore',
  });
  await container.start();
  const results = await Promise.all(['a', 'b', 'c'].map((word) => container.exec({ args: ['echo', word] })));
  assert.deepEqual(
    results.map(({ stdout }) => stdout),
    ['a\n', 'b\n', 'c\n'],
  );
  assert.equal((await container.exec({ args: ['id', '-u'], user: { uid: 1000 } })).stdout, '1000\n');
  await container.kill('SIGKILL');
  assert.equal((await container.wait()).signal, 'SIGKILL');
  await container.delete();
  assert.deepEqual(stoodStill, []);
});

test('what cannot be made is undone, and the next container gets a stage of its own', { skip }, async () => {
  mkdirSync(join(work.path, 'empty'));
  const failing = ['none', 'none-either'].map((name) =>
    assert.rejects(create(context, { id: idOf(name), rootfs: join(work.path, 'empty'), args: ['nothing'] }), /nothing/),
  );
  await Promise.all(failing);
  assert.equal((await run(context, { id: idOf('after'), bundle })).stdout, 'hello\n');
});

test('a stage ends once nobody is being made by it, if it is retired meanwhile', { skip }, async () => {
  const running = run(context, { id: idOf('retired'), bundle });
  const stopRetiring = setInterval(() => context.platform.standing.retire(), 0);
  try {
    assert.equal((await running).stdout, 'hello\n');
  } finally {
    clearInterval(stopRetiring);
  }
});
