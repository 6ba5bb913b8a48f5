/** A state root that takes no more writes, in a simulated world: any call of the write fails, for several reasons. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { succeed } from '../../runtime/container/answers.ts';
import type { Context } from '../../runtime/container/context.ts';
import { observe } from '../../runtime/container/observe.ts';
import { openExisting, optionsFor } from '../../runtime/container/open.ts';
import { createContainer } from '../../runtime/operations/create.ts';
import { deleteContainer } from '../../runtime/operations/delete.ts';
import { lookAt } from '../../runtime/store/look.ts';
import { FaultPlan, faultKernel, type ShouldFail } from '../simulation/faults.ts';
import type { World } from '../simulation/world.ts';
import { BUNDLE, command, ROOT, worldWithBundle } from './simulated.ts';

const REASONS = ['ENOSPC', 'EDQUOT', 'EROFS'] as const;
type Reason = (typeof REASONS)[number];

const isNewState = (arg: unknown) => arg === '.state.json.new';

/**
 * The calls by which the store writes state.json: it makes a new file, fills it, and exchanges the names of the two.
 */
const WRITING: Readonly<Record<string, (reason: Reason) => ShouldFail>> = {
  'making the file': (reason) => (_, call) =>
    call.name === 'openat' && call.args.some(isNewState) ? reason : undefined,
  'writing it': (reason) => (_, call, performer) =>
    call.name === 'write' && performer === 'runtime' && startsState(call.args[1]) ? reason : undefined,
  'renaming it': (reason) => (_, call) =>
    call.name === 'renameat2' && call.args.some(isNewState) ? reason : undefined,
};

function startsState(bytes: unknown): boolean {
  return bytes instanceof Uint8Array && new TextDecoder().decode(bytes).startsWith('{"runchart"');
}

/** Runs one command. @returns its warnings */
async function run(
  world: World,
  action: (context: Context) => Promise<void>,
  shouldFail?: ShouldFail,
): Promise<readonly string[]> {
  const plan = new FaultPlan(shouldFail ?? (() => undefined));
  const { platform, context, warnings } = command(world, (kernel) => faultKernel(kernel, plan));
  try {
    await action(context);
    if (shouldFail !== undefined) assert.notEqual(plan.struck.length, 0, 'nothing was written');
    return warnings;
  } finally {
    platform.kill();
  }
}

const create = async (context: Context) =>
  (
    await createContainer(context, { id: 'c1', bundle: BUNDLE, inheritance: { stdio: [0, 1, 2], preserveFds: 0 } })
  ).close();

const ask = (type: 'start' | 'pause' | 'resume') => async (context: Context) => {
  const container = await openExisting(context, 'c1', type);
  try {
    succeed(context, await container.request({ type }));
  } finally {
    container.close();
  }
};

async function statusIn(world: World): Promise<string> {
  const { platform } = command(world);
  const kernel = platform.local;
  const { status } = await lookAt({ kernel, root: ROOT, observe: (record) => observe(platform, record) }, 'c1');
  platform.kill();
  return status;
}

for (const [what, shouldFail] of Object.entries(WRITING))
  for (const reason of REASONS) {
    test(`${reason} on ${what}: the command has its effect, and the next command sees it`, async () => {
      const world = worldWithBundle();
      await run(world, create);
      for (const [type, status] of [
        ['start', 'running'],
        ['pause', 'paused'],
        ['resume', 'running'],
        ['pause', 'paused'],
      ] as const) {
        const warnings = await run(world, ask(type), shouldFail(reason));
        assert.equal(warnings.length, 1, warnings.join('; '));
        assert.match(warnings[0] ?? '', new RegExp(`^saving the state: [^\\n]*${reason}[^\\n]*$`));
        assert.equal(await statusIn(world), status, type);
      }
      // On disk the container is created. The kernel says that it has been started, and is paused.
      assert.deepEqual(await run(world, ask('resume')), []);
      assert.equal(await statusIn(world), 'running');
      await run(world, async (context) => succeed(context, await deleteContainer(optionsFor(context, 'c1'), true)));
    });

    test(`${reason} on ${what}: a creation fails, and leaves nothing behind`, async () => {
      const world = worldWithBundle();
      const { platform } = command(world);
      const before = platform.leaks();
      await assert.rejects(run(world, create, shouldFail(reason)), (error: Error) => {
        assert.match(error.message, new RegExp(`^[^\\n]*${reason}[^\\n]*$`));
        return true;
      });
      assert.deepEqual(
        platform.leaks().filter((line) => line !== `file ${ROOT}`),
        before,
      );
    });
  }
