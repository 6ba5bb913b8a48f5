/**
 * Commands work on one container at the same time. Each succeeds, or fails with an expected line, and nothing is left.
 */

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { SIGNALS } from '../../native/constants/signal.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { openPool, type Victim } from './chaos/pool.ts';
import { adoptOrphans, children, processState, watch } from './chaos/remains.ts';
import { commandsOn, deleteAll, type Place, placeIn } from './chaos/scene.ts';
import type { Order } from './chaos/victim.ts';

const skip = noContainers;
const work = workFolder('races');
const bundle = skip === false ? makeBundle(`${work.path}/bundle`, shellConfig('exec sleep 1000')) : '';
const AT_ONCE = 4;
const pool = openPool(AT_ONCE);

if (skip === false) adoptOrphans();
after(async () => {
  await pool.close();
  await deleteAll(work.path);
  work.remove();
});

const GONE = /^StoreError: container does not exist: /;
const EXISTS = 'StoreError: container with given ID already exists';
const IN_USE = "CgroupError: container's cgroup is not empty: \\d+ process\\(es\\) found";
const TAKEN = new RegExp(`^(${EXISTS}|${IN_USE})$`);

/** Runs an operation in several processes at the same time. @returns the error of each; undefined where it succeeded */
async function race(place: Place, operation: Order['operation']): Promise<readonly (string | undefined)[]> {
  const racers = Array.from({ length: AT_ONCE }, () =>
    pool.obey({ place, operation, at: undefined, signal: 'SIGKILL' }),
  );
  const ends = await Promise.all(racers.map(({ end }) => end));
  for (const { signal } of ends) assert.equal(signal, null);
  return ends.map(({ answer }) => answer?.error);
}

function assertOneWon(errors: readonly (string | undefined)[], others: RegExp): void {
  assert.equal(errors.filter((error) => error === undefined).length, 1, errors.join('\n'));
  for (const error of errors) if (error !== undefined) assert.match(error, others);
}

/** Each race is run several times, since another command may be the first each time. */
const ROUNDS = 5;

function container(name: string) {
  const place = placeIn(work.path, name, bundle);
  const { remainsAtLast } = watch(place, pool.pids);
  const sound = commandsOn(place);
  return {
    place,
    sound,
    async assertNothingLeft(what = name) {
      assert.deepEqual(await remainsAtLast(), [], what);
    },
    async stopped() {
      await sound.create();
      await sound.kill(SIGNALS.SIGKILL);
      while ((await sound.look()).status !== 'stopped') await setTimeout(1);
    },
  };
}

test('several commands create one id: one of them makes the container', { skip }, async () => {
  const { place, sound, assertNothingLeft } = container('creates');
  for (let round = 0; round < ROUNDS; round++) {
    assertOneWon(await race(place, 'create'), TAKEN);
    assert.equal((await sound.look()).status, 'created');
    await sound.delete(true);
    await assertNothingLeft();
  }
});

test('several commands start one container: one of them succeeds', { skip }, async () => {
  const { place, sound, assertNothingLeft } = container('starts');
  for (let round = 0; round < ROUNDS; round++) {
    await sound.create();
    assertOneWon(await race(place, 'start'), /^RefusedError: cannot start an already running container$/);
    assert.equal((await sound.look()).status, 'running');
    await sound.delete(true);
    await assertNothingLeft();
  }
});

test('several commands delete one container: one of them succeeds', { skip }, async () => {
  const { place, stopped, assertNothingLeft } = container('deletes');
  for (let round = 0; round < ROUNDS; round++) {
    await stopped();
    assertOneWon(await race(place, 'delete'), GONE);
    await assertNothingLeft();
  }
});

test('several commands delete one container by --force: all of them succeed', { skip }, async () => {
  const { place, sound, assertNothingLeft } = container('forces');
  for (let round = 0; round < ROUNDS; round++) {
    await sound.create();
    await sound.start();
    assert.deepEqual(await race(place, 'delete --force'), Array(AT_ONCE).fill(undefined));
    await assertNothingLeft();
  }
});

test('all commands at once, again and again', { skip }, async () => {
  const { place, sound, assertNothingLeft } = container('all');
  const expected = new RegExp(
    [
      GONE.source,
      TAKEN.source,
      '^RefusedError: (cannot start .*|cannot delete container \\S+ that is not stopped: .*|container not running)$',
      // Another command killed the init.
      '^Error: \\w+: the (init|stage) process ended before it answered(; then .*)?$',
      '^EffectError: (container not running|connect to the init by .*)$',
    ].join('|'),
  );
  for (let round = 0; round < ROUNDS; round++) {
    const racers = (['create', 'start', 'delete', 'delete --force'] as const).map((operation) =>
      pool.obey({ place, operation, at: undefined, signal: 'SIGKILL' }),
    );
    const errors: (string | undefined)[] = [];
    let over = false;
    const inThisProcess = (async () => {
      while (!over) {
        await sound.kill(SIGNALS.SIGTERM).catch((error: unknown) => errors.push(String(error)));
        await setTimeout(2);
      }
    })();
    for (const { end } of racers) errors.push((await end).answer?.error);
    over = true;
    await inThisProcess;
    for (const error of errors) if (error !== undefined) assert.match(error, expected);
    await sound.delete(true);
    await assertNothingLeft();
  }
});

/** Starts a creation, and stops it before its nth call. */
async function standing(place: Place, call: number): Promise<Victim> {
  const victim = pool.obey({ place, operation: 'create', at: { call }, signal: 'SIGSTOP' });
  for (let waited = 0; processState(victim.pid) !== 'T'; waited++) {
    assert.ok(waited < 10_000, 'it comes to that call');
    await setTimeout(1);
  }
  return victim;
}

/**
 * Calls all over `create`: before it makes the directory, before it takes the lock, in every phase, before its last
 * write.
 */
const MOMENTS = [1, 15, 24, 26, 29, 34, 45, 62, 72, 80, 105, 112, 118, 124, 150, 250, 300, 350, 420, 450];
let held: Victim | undefined;
afterEach(() => {
  if (held !== undefined && children().includes(held.pid)) held.proceed();
});

test('kill while create is under way: the container is not running', { skip }, async () => {
  const { place, sound, assertNothingLeft } = container('kill');
  for (const call of MOMENTS) {
    held = await standing(place, call);
    await assert.rejects(
      sound.kill(SIGNALS.SIGKILL),
      /^(StoreError: container does not exist: .*|RefusedError: container not running)$/,
    );
    held.proceed();
    const { answer } = await held.end;
    assert.equal(answer?.error, undefined, `call ${call}`);
    await sound.delete(true);
    await assertNothingLeft(`call ${call}`);
  }
});

test('delete --force while create is in a slow phase', { skip }, async (t) => {
  const { place, sound, assertNothingLeft } = container('slow');
  const told = new Set<string>();
  for (const call of MOMENTS) {
    const what = `call ${call}`;
    held = await standing(place, call);
    const deletion = sound.delete(true);
    await setTimeout(20);
    held.proceed();
    const { answer } = await held.end;
    await deletion;
    if (answer?.error !== undefined) {
      assert.match(answer.error, /^\w+: [^\n]*the (init|stage) process ended before it answered$/, what);
      told.add(answer.error);
    }
    // The deletion may have come before the creation had begun, or after it was done.
    await sound.delete(true);
    await assertNothingLeft(what);
  }
  for (const error of told) t.diagnostic(error);
  assert.ok(told.size > 0, 'it was taken from some');
});
