/**
 * A real container and its twin: the same machine with effects in memory. Whatever happens to both must look the same.
 */

import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { isFrozen } from '../../../effects/cgroups/freeze.ts';
import { members } from '../../../effects/cgroups/members.ts';
import type { Answer } from '../../../machines/ask.ts';
import type { Request } from '../../../machines/events.ts';
import { SIGNALS } from '../../../native/constants/signal.ts';
import { hostPlatform } from '../../../native/host-platform.ts';
import { accessFor, newContainer, openContainer } from '../../../runtime/container/access.ts';
import type { OpenOptions } from '../../../runtime/container/container.ts';
import { deleteContainer } from '../../../runtime/operations/delete.ts';
import { isStoreError } from '../../../runtime/store/error.ts';
import { lookAt } from '../../../runtime/store/look.ts';
import type { CgroupRecord, ContainerRecord } from '../../../spec/record.ts';
import type { Status } from '../../../spec/types.ts';
import { newRecord, World } from '../../machines/world.ts';
import { command, kernel, newRoot } from '../../runtime/place.ts';
import type { Commands } from './scene.ts';

/** What happens without a command: somebody kills the init, or freezes or thaws the cgroup. */
export type Accident = 'exit' | 'freeze' | 'thaw';

export type Step = Request | { readonly type: 'run' } | { readonly type: 'accident'; readonly what: Accident };

const { SIGKILL, SIGUSR1 } = SIGNALS;

export const steps: fc.Arbitrary<Step> = fc.oneof(
  ...(
    [
      [3, { type: 'create' }],
      [4, { type: 'start' }],
      // The kernel does not deliver this signal: the first process of a pid namespace has no handler for it.
      [1, { type: 'kill', signal: SIGUSR1, all: false }],
      [2, { type: 'kill', signal: SIGKILL, all: false }],
      [1, { type: 'kill', signal: SIGKILL, all: true }],
      [3, { type: 'pause' }],
      [3, { type: 'resume' }],
      [1, { type: 'exec', ignorePaused: false }],
      [1, { type: 'events' }],
      [3, { type: 'delete', force: false }],
      [1, { type: 'delete', force: true }],
      [1, { type: 'accident', what: 'exit' }],
      [1, { type: 'accident', what: 'freeze' }],
      [1, { type: 'accident', what: 'thaw' }],
    ] as const
  ).map(([weight, step]) => ({ weight, arbitrary: fc.constant<Step>(step) })),
);

/** With what only the command line does: creating and starting in one command, and changing real limits. */
export const spokenSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 27, arbitrary: steps },
  { weight: 2, arbitrary: fc.constant<Step>({ type: 'run' }) },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 10, max: 1000 }).map(
      (limit): Step => ({
        type: 'update',
        config: { ...newRecord().config, linux: { ...newRecord().config.linux, resources: { pids: { limit } } } },
        resources: { pids: { limit } },
        schemata: false,
      }),
    ),
  },
);

/** Performs requests on the real container. `Commands` (scene.ts) do so in this process. */
export interface Real extends Pick<Commands, 'create' | 'ask' | 'delete' | 'look' | 'list'> {
  run?(): Promise<unknown>;
}

export class Twins {
  readonly #real: Real;
  readonly #world = new World();
  readonly #twin: OpenOptions;

  constructor(real: Real, id: string) {
    this.#real = real;
    this.#twin = command(newRoot(), this.#world, id);
  }

  /** Takes a step with both, and compares what they say, and what the kernel shows. */
  async step(step: Step): Promise<void> {
    if (step.type === 'accident') await this.#accident(step.what);
    else assert.equal(await said(this.#askReal(step)), await said(this.#askTwin(step)), step.type);
    await this.#compare();
  }

  #askReal(request: Exclude<Step, { type: 'accident' }>): Promise<unknown> {
    if (request.type === 'run') return this.#real.run?.() ?? Promise.reject(new Error('it cannot run'));
    if (request.type === 'create') return this.#real.create();
    if (request.type === 'delete') return this.#real.delete(request.force);
    return this.#real.ask(request);
  }

  async #askTwin(request: Exclude<Step, { type: 'accident' }>): Promise<unknown> {
    if (request.type === 'run') {
      const created = await this.#askTwin({ type: 'create' });
      return isAnswer(created) && created.outcome === 'done' ? this.#askTwin({ type: 'start' }) : created;
    }
    if (request.type === 'delete') return deleteContainer(this.#twin, request.force);
    const { id, root } = this.#twin;
    const container =
      request.type === 'create'
        ? await newContainer(this.#twin, { ...newRecord(), id, root })
        : await openContainer(this.#twin, accessFor(request.type));
    return container.request(request).finally(() => container.close());
  }

  async #accident(what: Accident): Promise<void> {
    const found = await this.#look();
    if (found === undefined || !this.#world.alive) return;
    const { init, cgroup } = found.record;
    if (init === undefined || cgroup === undefined) return;
    if (what === 'exit') {
      process.kill(init.pid, 'SIGKILL');
      // On v1 a frozen process that is killed dies only when it is thawed.
      if (this.#world.frozen) await touchFreezer(cgroup, false);
      this.#world.init = 'dead';
    } else {
      await touchFreezer(cgroup, what === 'freeze');
      this.#world.frozen = what === 'freeze';
    }
  }

  /** undefined where there is no container. */
  async #look(): Promise<{ status: Status; record: ContainerRecord } | undefined> {
    return this.#real.look().catch(missingIsUndefined);
  }

  async #compare(): Promise<void> {
    const { id, root } = this.#twin;
    const expected = await lookAt({ kernel, root, observe: () => this.#world.facts() }, id)
      .then(({ status }) => status)
      .catch(missingIsUndefined);
    let found = await this.#look();
    // A process takes a moment to die.
    for (let waited = 0; expected === 'stopped' && found?.status !== expected && waited < 2000; waited++) {
      await setTimeout(1);
      found = await this.#look();
    }
    assert.equal(found?.status, expected);
    const listed = (await this.#real.list()).map((one) => one.id);
    assert.deepEqual(listed, found === undefined ? [] : [id]);
    if (found !== undefined) await assertKernelAgrees(found.status, found.record);
  }
}

function missingIsUndefined(error: unknown): undefined {
  if (!isStoreError(error, 'missing')) throw error;
}

/** What a user reads about a request. */
async function said(asked: Promise<unknown>): Promise<string> {
  try {
    const answer = await asked;
    return withoutRoot(isAnswer(answer) && answer.outcome === 'refused' ? answer.message : failureOf(answer));
  } catch (error) {
    return withoutRoot(error instanceof Error ? error.message : String(error));
  }
}

/** The twins have state roots of their own. */
const withoutRoot = (message: string): string => message.replace(/(container does not exist): \S+ is not in \S+/, '$1');

const failureOf = (answer: unknown): string =>
  isAnswer(answer) && answer.outcome === 'failed'
    ? answer.failures.map(({ during, error }) => `${during}: ${String(error)}`).join('; ')
    : 'done';

const isAnswer = (value: unknown): value is Answer => typeof value === 'object' && value !== null && 'outcome' in value;

/** Freezes or thaws a cgroup as somebody other than runchart would, through the file system. */
async function touchFreezer({ layout, paths }: CgroupRecord, freeze: boolean): Promise<void> {
  if (layout === 'v2') {
    writeFileSync(`${paths.unified}/cgroup.freeze`, freeze ? '1' : '0');
    return;
  }
  const file = `${paths.freezer}/freezer.state`;
  writeFileSync(file, freeze ? 'FROZEN' : 'THAWED');
  while (freeze && readFileSync(file, 'utf8').trim() !== 'FROZEN') await setTimeout(1);
}

async function assertKernelAgrees(status: Status, { init, cgroup }: ContainerRecord): Promise<void> {
  assert.ok(init !== undefined && cgroup !== undefined);
  const { local } = hostPlatform();
  // On v2 a frozen process can be killed. Then the cgroup is empty and still frozen.
  if (status !== 'stopped' || cgroup.layout !== 'v2')
    assert.equal(isFrozen(local, cgroup), status === 'paused', `frozen, and ${status}`);
  if (status === 'stopped') {
    for (let waited = 0; members(local, cgroup).length > 0 && waited < 2000; waited++) await setTimeout(1);
    assert.deepEqual(members(local, cgroup), [], 'a stopped container has processes');
    return;
  }
  assert.ok(members(local, cgroup).includes(init.pid), `${init.pid} is in its cgroup`);
  const program = readlinkSync(`/proc/${init.pid}/exe`);
  if (status === 'created') assert.match(program, /^\/memfd:runchart-init/);
  if (status === 'running') assert.match(program, /\/busybox$/);
}
