/**
 * Every system call of create, start and delete fails once, on the real kernel: one clear error and nothing left,
 * or a container that is as it would have been without the failure.
 */

import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { S } from '../../native/constants/files.ts';
import { SIGNALS } from '../../native/constants/signal.ts';
import { hostPlatform } from '../../native/host-platform.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { everyCall, type Operation, type Trial, unclear } from './chaos/every-call.ts';
import { likeness } from './chaos/likeness.ts';
import { type Watch, watch } from './chaos/remains.ts';
import { type Commands, commandsOn, deleteAll, type Place, placeIn } from './chaos/scene.ts';

const skip = noContainers;
const work = workFolder('faults');
after(async () => {
  await deleteAll(work.path);
  work.remove();
});

/** Given, a failure is seen again. */
const seed = Number(process.env.RUNCHART_TEST_SEED ?? Math.floor(Math.random() * 1000));

async function run(t: TestContext, scene: Scene, operation: Operation): Promise<void> {
  const judge = async (trial: Trial) => [...unclear(trial), ...(await operation.judge(trial))];
  const { calls, overcome } = await everyCall({ ...operation, judge }, seed);
  t.diagnostic(`${calls} calls, the failures of ${overcome} overcome; RUNCHART_TEST_SEED=${seed}`);
  assert.ok(calls > 20);
  // The last trial was one too many: nothing failed in it.
  await scene.sound.delete(true);
  assert.deepEqual(await scene.remains(), []);
}

interface Scene {
  readonly place: Place;
  readonly sound: Commands;
  /** Begins to watch anew. */
  begin(): void;
  /** What the last `begin` did not see. */
  remains(trial?: Trial): Promise<readonly string[]>;
}

function sceneOf(name: string): Scene {
  const place = placeIn(work.path, name, makeBundle(`${work.path}/${name}`, shellConfig('exec sleep 1000')));
  let watching: Watch | undefined;
  return {
    place,
    sound: commandsOn(place),
    begin: () => {
      watching = watch(place);
    },
    // A wait that is not performed reaps nobody; any other process must be gone at once.
    remains: async (trial) =>
      (trial?.struck.call.name === 'waitid' ? await watching?.remainsAtLast() : watching?.remains()) ?? [
        'nothing is watched',
      ],
  };
}

async function likenessOf(sound: Commands): Promise<unknown> {
  const { status, record } = await sound.look();
  return { status, ...likeness(record.init?.pid ?? 0) };
}

/** Where a device may not be made, as in a user namespace, the host's is bound: a container like it, but for its mounts. */
const isOtherMeans = ({ struck: { call }, errno, error }: Trial): boolean =>
  error === undefined && errno === 'EPERM' && call.name === 'mknodat' && (Number(call.args[2]) & S.IFMT) === S.IFCHR;

test('create', { skip }, async (t) => {
  const scene = sceneOf('create');
  const { place, sound, begin, remains } = scene;
  await sound.create();
  const expected = await likenessOf(sound);
  await sound.delete(true);
  let failures = 0;
  await run(t, scene, {
    prepare: async () => begin(),
    perform: (wrap) => commandsOn(place, hostPlatform(wrap)).create(),
    async judge(trial) {
      const wrong: string[] = [];
      if (trial.error !== undefined) {
        wrong.push(...(await remains(trial)));
        // Not after each: the trial that follows begins with the same calls.
        if (failures++ % 16 !== 0) return wrong;
        await sound.create();
      }
      const same = isDeepStrictEqual(await likenessOf(sound), expected);
      if (!same && !isOtherMeans(trial)) wrong.push('the container is another one');
      await sound.delete(true);
      return [...wrong, ...(trial.error === undefined ? await remains(trial) : [])];
    },
  });
});

test('start', { skip }, async (t) => {
  const scene = sceneOf('start');
  const { place, sound, begin, remains } = scene;
  await sound.create();
  await sound.start();
  const expected = await likenessOf(sound);
  await sound.delete(true);
  await run(t, scene, {
    async prepare() {
      begin();
      await sound.create();
    },
    perform: (wrap) => commandsOn(place, hostPlatform(wrap)).start(),
    async judge(trial) {
      const wrong: string[] = [];
      const { status } = await sound.look();
      if (trial.error === undefined && status !== 'running') wrong.push(`done, and ${status}`);
      // Nothing was done yet: it can be started once more. (Running: it failed at writing that down.)
      if (status === 'created') await sound.start();
      if (status !== 'stopped' && !isDeepStrictEqual(await likenessOf(sound), expected))
        wrong.push('the container is another one');
      await sound.delete(status !== 'stopped');
      return [...wrong, ...(await remains(trial))];
    },
  });
});

for (const [name, force] of [
  ['delete of a stopped container', false],
  ['delete --force of a running one', true],
] as const)
  test(name, { skip }, async (t) => {
    const scene = sceneOf(force ? 'force' : 'delete');
    const { place, sound, begin, remains } = scene;
    await run(t, scene, {
      async prepare() {
        begin();
        await sound.create();
        await sound.start();
        if (force) return;
        await sound.kill(SIGNALS.SIGKILL);
        while ((await sound.look()).status !== 'stopped') await setTimeout(1);
      },
      perform: (wrap) => commandsOn(place, hostPlatform(wrap)).delete(force),
      async judge(trial) {
        const left = trial.error === undefined ? await remains(trial) : [];
        await sound.delete(true);
        return [...left, ...(await remains(trial))];
      },
    });
  });
