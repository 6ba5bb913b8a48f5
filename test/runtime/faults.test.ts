/**
 * Every system call of a command fails once, and the command dies at every one, in a simulated world. Each time there
 * is one clear error, and nothing is left, or only what `delete --force` can remove.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { succeed } from '../../runtime/container/answers.ts';
import type { Context } from '../../runtime/container/context.ts';
import { openExisting, optionsFor } from '../../runtime/container/open.ts';
import { createContainer } from '../../runtime/operations/create.ts';
import { deleteContainer } from '../../runtime/operations/delete.ts';
import type { CgroupLayout } from '../simulation/cgroups.ts';
import { type Fault, FaultPlan, faultKernel, onlyCall, type Struck } from '../simulation/faults.ts';
import { inventory } from '../simulation/inventory.ts';
import type { World } from '../simulation/world.ts';
import { BUNDLE, command, ROOT, worldWithBundle } from './simulated.ts';

type Operation = (context: Context) => Promise<void>;

const create: Operation = async (context) => {
  const inheritance = { stdio: [0, 1, 2], preserveFds: 0 } as const;
  (await createContainer(context, { id: 'c1', bundle: BUNDLE, inheritance })).close();
};
const start: Operation = async (context) => {
  const container = await openExisting(context, 'c1', 'start');
  try {
    succeed(context, await container.request({ type: 'start' }));
  } finally {
    container.close();
  }
};
const remove: Operation = async (context) => succeed(context, await deleteContainer(optionsFor(context, 'c1'), true));

/** Runs an operation as a command of its own. @returns what it left behind */
async function run(world: World, operation: Operation): Promise<readonly string[]> {
  const { platform, context } = command(world);
  await operation(context);
  const left = platform.leaks();
  platform.kill();
  return left;
}

interface Trial {
  readonly world: World;
  /** undefined where the command ended without a fault: then there are no more calls to try. */
  readonly struck: Struck | undefined;
  readonly error: unknown;
  /** What is left while the command is still there: descriptors, processes, zombies. */
  readonly left: readonly string[];
  readonly platform: ReturnType<typeof command>['platform'];
}

class Died extends Error {}

/**
 * Runs an operation in one fresh world after the other. Its first call fails in the first one, its second in the
 * second, …
 */
async function* trials(
  operation: Operation,
  fault: Fault,
  layout: CgroupLayout,
  before: readonly Operation[] = [],
): AsyncGenerator<Trial> {
  for (let n = 1; ; n++) {
    const world = worldWithBundle(layout);
    for (const earlier of before) await run(world, earlier);
    const plan = new FaultPlan(onlyCall(n, fault), () => {
      throw new Died();
    });
    const { platform, context } = command(world, (kernel) => faultKernel(kernel, plan));
    let error: unknown;
    await operation(context).catch((thrown: unknown) => {
      error = thrown;
    });
    const [struck] = plan.struck;
    if (struck === undefined) {
      assert.equal(error, undefined, 'without a fault the command succeeds');
      assert.deepEqual([...world.unmodelled], []);
      assert.ok(n > 20, 'the calls were counted');
      return;
    }
    yield { world, struck, error, left: platform.leaks().filter(isLeft), platform };
  }
}

/** What is left besides the state root, which stays, as with every runtime. */
const isLeft = (line: string): boolean => line !== `file ${ROOT}`;

function told({ struck }: Trial): string {
  const texts = struck?.call.args.filter((arg) => typeof arg === 'string');
  return `call ${struck?.n}, ${struck?.call.name} of the ${struck?.performer}: ${JSON.stringify(texts)}`;
}

for (const layout of ['v2', 'hybrid'] as const) {
  test(`create on ${layout}: whichever call fails, there is one clear error, and nothing is left`, async () => {
    for await (const trial of trials(create, 'EIO', layout)) {
      const { world, error, platform } = trial;
      if (error === undefined) {
        // The command did without that call, and the container is sound.
        platform.kill();
        await run(world, start);
        assert.ok(
          world.processes.some(({ program }) => program?.path === '/bin/sh'),
          told(trial),
        );
        await run(world, remove);
        assert.deepEqual(platform.leaks().filter(isLeft), [], told(trial));
        continue;
      }
      assert.ok(error instanceof Error);
      assert.match(error.message, /^[^\n]+$/, told(trial));
      assert.deepEqual(trial.left, [], `${told(trial)}: ${error.message}`);
    }
  });
}

test('start: whichever call fails, the container can be deleted, and nothing is left', async () => {
  for await (const trial of trials(start, 'EIO', 'v2', [create])) {
    const { world, error, platform } = trial;
    if (error !== undefined) assert.match(error instanceof Error ? error.message : '', /^[^\n]+$/, told(trial));
    platform.kill();
    await run(world, remove);
    assert.deepEqual(afterAll(world), [], told(trial));
  }
});

test('delete: whichever call fails, it can be done again, and nothing is left', async () => {
  for await (const trial of trials(remove, 'EIO', 'v2', [create, start])) {
    const { world, error, platform } = trial;
    if (error !== undefined) assert.match(error instanceof Error ? error.message : '', /^[^\n]+$/, told(trial));
    platform.kill();
    await run(world, remove);
    assert.deepEqual(afterAll(world), [], told(trial));
  }
});

for (const [name, operation, before] of [
  ['create', create, []],
  ['start', start, [create]],
  ['delete', remove, [create, start]],
] as const)
  test(`${name}: killed at any call, it leaves only what delete --force removes`, async () => {
    for await (const trial of trials(operation, 'die', 'hybrid', before)) {
      trial.platform.kill();
      await run(trial.world, remove);
      assert.deepEqual(afterAll(trial.world), [], told(trial));
    }
  });

/** What is there that a fresh world does not have. */
function afterAll(world: World): readonly string[] {
  const fresh = new Set(inventory(worldWithBundle(world.cgroups.hierarchies.length > 1 ? 'hybrid' : 'v2')));
  return inventory(world).filter((line) => !fresh.has(line) && isLeft(line));
}
