/**
 * A command dies by SIGKILL: before each of its own system calls in create, start and delete, between the calls that
 * the stage and the init perform for it, and just after each batch that it sends. Each time `state` and `list` still
 * work, and `delete --force` leaves nothing. (In the batches of others it dies at every eighth call. With
 * RUNCHART_TEST_EXHAUSTIVE=1 it dies at every call.)
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SIGNALS } from '../../native/constants/signal.ts';
import { isStoreError } from '../../runtime/store/error.ts';
import type { Status } from '../../spec/types.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { openPool } from './chaos/pool.ts';
import { adoptOrphans, watch } from './chaos/remains.ts';
import { type Commands, commandsOn, deleteAll, type Place, placeIn } from './chaos/scene.ts';
import type { Answer, Order, Submission } from './chaos/victim.ts';
import { RUNCHART } from './command-line.ts';

const skip = noContainers;
const work = workFolder('crash');
const pool = openPool();
const bundle = skip === false ? makeBundle(join(work.path, 'bundle'), shellConfig('exec sleep 1000')) : '';

const SEED = 'RUNCHART_TEST_SEED';
/** Decides at which calls of other performers' batches the command dies. */
const seed = Number(process.env[SEED] ?? Math.floor(Math.random() * 1000));
const SPREAD = 8;
/** At all of them, which takes some minutes. */
const exhaustive = process.env.RUNCHART_TEST_EXHAUSTIVE !== undefined;

/** Counts deaths: some checks are made every second or third time only. */
let turn = 0;

after(async () => {
  await pool.close();
  await deleteAll(work.path);
  work.remove();
});

interface Scenario {
  readonly operation: Order['operation'];
  /** Prepares the container that the command finds. */
  prepare?(sound: Commands): Promise<unknown>;
  /** What `state` may say after the command's death. `none` stands for no container. */
  readonly between: readonly (Status | 'none')[];
  /** What a user may try then. It must succeed, or fail with an error of one line. */
  retry?(sound: Commands): Promise<unknown>;
}

const stopped = async (sound: Commands): Promise<void> => {
  while ((await sound.look()).status !== 'stopped') await setTimeout(1);
};

const SCENARIOS: readonly Scenario[] = [
  { operation: 'create', between: ['none', 'creating', 'created'] },
  {
    operation: 'start',
    prepare: (sound) => sound.create(),
    between: ['created', 'running'],
    retry: (sound) => sound.start(),
  },
  {
    operation: 'delete',
    async prepare(sound) {
      await sound.create();
      await sound.kill(SIGNALS.SIGKILL);
      await stopped(sound);
    },
    between: ['stopped', 'none'],
    retry: (sound) => sound.delete(false),
  },
  {
    operation: 'delete --force',
    async prepare(sound) {
      await sound.create();
      await sound.start();
    },
    between: ['running', 'stopped', 'none'],
  },
];

for (const scenario of SCENARIOS)
  test(scenario.operation, { skip }, async (t) => {
    adoptOrphans();
    const place = placeIn(work.path, scenario.operation.replaceAll(' ', ''), bundle);
    const whole = await run(place, scenario, undefined);
    assert.ok(whole !== undefined, 'without a death it comes to its end');
    const calls = pointsIn(whole.submissions);
    for (const call of calls) await run(place, scenario, { call });
    for (let batch = 1; batch <= whole.batches; batch++) await run(place, scenario, { batch });
    const all = whole.submissions.reduce((sum, submission) => sum + submission.calls, 0);
    t.diagnostic(`died at ${calls.length} of ${all} calls and after each of ${whole.batches} batches; ${SEED}=${seed}`);
  });

/** Every call of the runtime's own. Of a batch of another performer: the first call, the last, and every eighth. */
function pointsIn(submissions: readonly Submission[]): readonly number[] {
  return submissions.flatMap(({ first, calls, performer }) =>
    Array.from({ length: calls }, (_, i) => first + i).filter(
      (n, i) => exhaustive || performer === 'runtime' || i === 0 || i === calls - 1 || n % SPREAD === seed % SPREAD,
    ),
  );
}

/** @returns the command's answer; undefined where it died */
async function run(place: Place, scenario: Scenario, at: Order['at']): Promise<Answer | undefined> {
  const { operation, prepare, retry, between } = scenario;
  const what = `${operation}, ${JSON.stringify(at)}`;
  const sound = commandsOn(place);
  const { remainsAtLast } = watch(place, pool.pids);
  await prepare?.(sound);
  const { signal, answer } = await pool.obey({ place, operation, at, signal: 'SIGKILL' }).end;
  if (signal === null) assert.equal(answer?.error, undefined, what);
  else {
    assert.equal(signal, 'SIGKILL', what);
    const found = await statusOf(sound);
    assert.ok(between.includes(found), `${what}: ${found}`);
    for (const { problem } of await sound.list()) assert.equal(problem, undefined, what);
    if (turn++ % 3 === 0) await retry?.(sound).catch((error: unknown) => assertLine(error, what));
  }
  await deleteByForce(place, what);
  assert.deepEqual(await remainsAtLast(), [], what);
  return answer;
}

async function statusOf(sound: Commands): Promise<Status | 'none'> {
  try {
    return (await sound.look()).status;
  } catch (error) {
    if (isStoreError(error, 'missing')) return 'none';
    throw error;
  }
}

function assertLine(error: unknown, what: string): void {
  assert.ok(error instanceof Error && /^[^\n]+$/.test(error.message), `${what}: ${String(error)}`);
}

/** Deletes by the operation and by the command line in turn. */
async function deleteByForce(place: Place, what: string): Promise<void> {
  if (turn % 2 === 0 || !existsSync(RUNCHART)) {
    const sound = commandsOn(place);
    await sound.delete(true);
    assert.deepEqual(sound.warnings, [], what);
    return;
  }
  const { stdout, stderr } = await promisify(execFile)(RUNCHART, ['--root', place.root, 'delete', '--force', place.id]);
  assert.equal(stdout + stderr, '', what);
}
