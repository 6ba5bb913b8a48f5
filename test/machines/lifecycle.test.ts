/** The life of a container, told by examples. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, ask, type ContainerActor } from '../../machines/ask.ts';
import type { Request } from '../../machines/events.ts';
import { statusOf } from '../../machines/status.ts';
import { CHECKPOINT, type EffectName, HOOKS, newActor, newRecord, RESTORE, resumed, UPDATE, World } from './world.ts';

const KILL = { type: 'kill', signal: 9, all: false } as const;
const DELETE = { type: 'delete', force: false } as const;
const GONE = { type: 'observed', facts: { init: 'gone', frozen: false, started: false } } as const;
const FORCE = { type: 'delete', force: true } as const;

const status = (actor: ContainerActor) => statusOf(actor.getSnapshot());

async function brought(world: World, ...requests: readonly Request['type'][]): Promise<ContainerActor> {
  const actor = newActor(world, newRecord());
  for (const type of requests) assert.equal((await ask(actor, simple(type))).outcome, 'done', type);
  return actor;
}

function simple(type: Request['type']): Request {
  switch (type) {
    case 'kill':
      return KILL;
    case 'delete':
      return DELETE;
    case 'update':
      return UPDATE;
    case 'exec':
      return { type, ignorePaused: false };
    case 'checkpoint':
      return CHECKPOINT;
    case 'restore':
      return RESTORE;
    default:
      return { type };
  }
}

function messages(answer: Answer): readonly string[] {
  if (answer.outcome === 'refused') return [answer.message];
  if (answer.outcome === 'done') return [];
  return answer.failures.map(({ during, error }) => `${during}: ${error instanceof Error ? error.message : error}`);
}

const failing =
  (...names: readonly EffectName[]) =>
  (name: EffectName) =>
    names.includes(name) ? 'fail' : 'succeed';

test('a container is created, started, paused, resumed, killed and deleted', async () => {
  const world = new World();
  const actor = newActor(world);
  assert.equal(status(actor), undefined);
  await ask(actor, { type: 'create' });
  assert.equal(status(actor), 'created');
  assert.deepEqual(actor.getSnapshot().context.init, { pid: 42, startTime: '1000' });
  await ask(actor, { type: 'start' });
  assert.equal(status(actor), 'running');
  await ask(actor, { type: 'pause' });
  assert.equal(status(actor), 'paused');
  await ask(actor, { type: 'resume' });
  assert.equal(status(actor), 'running');
  await ask(actor, KILL);
  assert.equal(status(actor), 'running');
  actor.send(GONE);
  assert.equal(status(actor), 'stopped');
  await ask(actor, DELETE);
  assert.equal(status(actor), undefined);
  assert.deepEqual(world.leftovers, []);
  assert.deepEqual(world.violations, []);
});

test('the phases of creation are states, in order', async () => {
  const actor = newActor(new World(), newRecord(HOOKS));
  const phases: unknown[] = [];
  actor.subscribe(({ value }) => phases.push(typeof value === 'string' ? value : Object.values(value)[0]));
  await ask(actor, { type: 'create' });
  assert.deepEqual(phases, [
    'cgroup',
    'namespaces',
    'mounts',
    'createRuntimeHooks',
    'createContainerHooks',
    'rootfs',
    'process',
    'saving',
    'idle',
  ]);
});

test('hooks run in the order of the specification, poststop last', async () => {
  const world = new World();
  const actor = newActor(world, newRecord(HOOKS));
  await ask(actor, { type: 'create' });
  await ask(actor, { type: 'start' });
  await ask(actor, FORCE);
  assert.deepEqual(world.hooks, ['createRuntime', 'createContainer', 'poststart', 'poststop']);
  assert.equal(world.calls.at(-1), 'runHooks');
});

test('the record is written before the first effect, with the init, and when created', async () => {
  const world = new World();
  const seen: [number, string | undefined, number | undefined][] = [];
  const actor = newActor(world);
  world.fate = (name, index) => {
    if (name !== 'save') seen.push([index, world.saved?.state, world.saved?.record.init?.pid]);
    return 'succeed';
  };
  await ask(actor, { type: 'create' });
  assert.deepEqual(world.calls, [
    ...['save', 'makeCgroup', 'enterNamespaces', 'save', 'makeMounts', 'enterRootfs', 'prepareProcess', 'save'],
  ]);
  assert.deepEqual(
    seen.map(([, state, pid]) => [state, pid]),
    [
      ['unfinished', undefined],
      ['unfinished', undefined],
      ['unfinished', 42],
      ['unfinished', 42],
      ['unfinished', 42],
    ],
  );
  assert.equal(world.saved?.state, 'created');
});

for (const [which, calls] of [
  ['first', []],
  ['second', ['makeCgroup', 'enterNamespaces']],
  ['third', ['makeCgroup', 'enterNamespaces', 'makeMounts', 'enterRootfs', 'prepareProcess']],
] as const)
  test(`a creation whose ${which} write fails is undone, and nothing is done after it`, async () => {
    const world = new World();
    world.fate = (name) => {
      if (name !== 'save') return 'succeed';
      return world.calls.filter((call) => call !== 'save').length === calls.length ? 'fail' : 'succeed';
    };
    const actor = newActor(world);
    assert.deepEqual(messages(await ask(actor, { type: 'create' })), ['saving the state: save: EIO']);
    const before = world.calls.filter((call) => call !== 'save');
    assert.deepEqual(before.slice(0, calls.length), calls);
    assert.deepEqual(
      before.slice(calls.length),
      calls.length > 0 ? ['destroyInit', 'removeCgroup', 'removeState'] : ['removeCgroup', 'removeState'],
    );
    assert.deepEqual(world.leftovers, []);
    assert.equal(actor.getSnapshot().value, 'failed');
  });

test('what is done is done: a request whose state cannot be written warns', async () => {
  const world = new World();
  const actor = await brought(world, 'create');
  world.fate = failing('save');
  for (const type of ['start', 'pause', 'resume', 'update'] as const) {
    const answer = await ask(actor, simple(type));
    assert.equal(answer.outcome, 'done', type);
    assert.deepEqual(answer.outcome === 'done' && answer.warnings.map(({ during }) => during), ['saving the state']);
  }
  assert.equal(world.saved?.state, 'created');
  const next = resumed(world);
  next.send({ type: 'observed', facts: world.facts() });
  assert.equal(status(next), 'running');
});

test('a start that could not be written down is noticed in a paused container too', async () => {
  const world = new World();
  await brought(world, 'create');
  Object.assign(world, { init: 'started', frozen: true });
  const actor = resumed(world);
  actor.send({ type: 'observed', facts: world.facts() });
  assert.equal(status(actor), 'paused');
  assert.equal((await ask(actor, { type: 'resume' })).outcome, 'done');
  assert.equal(status(actor), 'running');
});

const REFUSALS: readonly [brought: readonly Request['type'][], request: Request, message: string][] = [
  [[], { type: 'start' }, 'container does not exist: c1'],
  [[], DELETE, 'container does not exist: c1'],
  [['create'], { type: 'create' }, 'container with given ID already exists'],
  [['create'], { type: 'resume' }, 'container not paused'],
  [['create'], simple('checkpoint'), 'Container cannot be checkpointed in created state'],
  [['create', 'start'], { type: 'start' }, 'cannot start an already running container'],
  [['create', 'start'], { type: 'resume' }, 'container not paused'],
  [['create', 'start'], DELETE, 'cannot delete container c1 that is not stopped: running'],
  [['create', 'pause'], { type: 'start' }, 'cannot start a container in the paused state'],
  [['create', 'start', 'pause'], { type: 'pause' }, 'container not running'],
  [['create', 'start', 'pause'], DELETE, 'cannot delete container c1 that is not stopped: paused'],
  [['create', 'start', 'pause'], simple('exec'), 'cannot exec in a paused container (use --ignore-paused to override)'],
];

for (const [before, request, message] of REFUSALS)
  test(`${request.type} after ${before.join(', ') || 'nothing'}: ${message}`, async () => {
    const world = new World();
    const actor = await brought(world, ...before);
    const snapshot = JSON.stringify(actor.getPersistedSnapshot());
    const calls = world.calls.length;
    assert.partialDeepStrictEqual(await ask(actor, request), { outcome: 'refused', message });
    assert.equal(JSON.stringify(actor.getPersistedSnapshot()), snapshot);
    assert.equal(world.calls.length, calls);
  });

const STOPPED_REFUSALS: readonly [Request, string][] = [
  [{ type: 'start' }, 'cannot start a container that has stopped'],
  [KILL, 'container not running'],
  [{ type: 'pause' }, 'container not running'],
  [{ type: 'resume' }, 'container not paused'],
  [simple('update'), 'container not running'],
  [simple('exec'), 'cannot exec in a stopped container'],
  [{ type: 'events' }, 'container with id c1 is not running'],
  [simple('checkpoint'), 'Container cannot be checkpointed in stopped state'],
];

for (const [request, message] of STOPPED_REFUSALS)
  test(`${request.type} of a stopped container: ${message}`, async () => {
    const actor = await brought(new World(), 'create', 'start', 'kill');
    actor.send(GONE);
    assert.partialDeepStrictEqual(await ask(actor, request), { outcome: 'refused', message });
  });

test('kill --all reaches what a stopped container left in its cgroup', async () => {
  const world = new World();
  const actor = await brought(world, 'create', 'start', 'kill');
  actor.send(GONE);
  assert.equal((await ask(actor, { ...KILL, all: true })).outcome, 'done');
  assert.equal(world.calls.at(-1), 'signal');
  assert.equal(status(actor), 'stopped');
});

test('KILL does too where the init took nobody along: there is no pid namespace', async () => {
  const world = new World();
  const actor = newActor(world, { ...newRecord(), config: { ociVersion: '1.3.0' } });
  for (const request of [{ type: 'create' }, { type: 'start' }] as const) await ask(actor, request);
  world.init = 'dead';
  actor.send(GONE);
  const kill = (signal: number) => ask(actor, { type: 'kill', signal, all: false });
  assert.partialDeepStrictEqual(await kill(15), { outcome: 'refused', message: 'container not running' });
  assert.equal((await kill(9)).outcome, 'done');
  assert.equal(world.calls.at(-1), 'signal');
});

test('exec and events ask for permission and change nothing', async () => {
  const world = new World();
  const actor = await brought(world, 'create', 'exec', 'start', 'exec', 'events', 'pause', 'events');
  const calls = world.calls.length;
  assert.equal((await ask(actor, { type: 'exec', ignorePaused: true })).outcome, 'done');
  assert.equal(world.calls.length, calls);
  assert.equal(status(actor), 'paused');
});

test('a container that was paused before start is created again when resumed', async () => {
  const actor = await brought(new World(), 'create', 'pause', 'resume');
  assert.equal(status(actor), 'created');
});

test('a created container is deleted without force, as runc does', async () => {
  const world = new World();
  await brought(world, 'create', 'delete');
  assert.deepEqual(world.leftovers, []);
});

test('what update put in force is the config from then on', async () => {
  const actor = await brought(new World(), 'create', 'update');
  assert.equal(actor.getSnapshot().context.config.hostname, 'updated');
});

test('a failed update changes nothing', async () => {
  const world = new World(failing('update'));
  const actor = await brought(world, 'create');
  assert.deepEqual(messages(await ask(actor, simple('update'))), ['update: update: EIO']);
  assert.equal(actor.getSnapshot().context.config.hostname, undefined);
  assert.equal(status(actor), 'created');
});

test('a failed kill is told, and the container is where it was', async () => {
  const world = new World(failing('signal'));
  const actor = await brought(world, 'create', 'start');
  assert.deepEqual(messages(await ask(actor, KILL)), ['kill: signal: EIO']);
  assert.equal(status(actor), 'running');
});

test('start fails and the init waits on: the container is still created', async () => {
  const actor = await brought(new World(failing('startProcess')), 'create');
  assert.deepEqual(messages(await ask(actor, { type: 'start' })), ['start: startProcess: EIO']);
  assert.equal(status(actor), 'created');
});

test('start fails and the init is gone: the container has stopped', async () => {
  const world = new World();
  const actor = await brought(world, 'create');
  world.fate = (name) => {
    if (name !== 'startProcess') return 'succeed';
    world.init = 'dead';
    return 'fail';
  };
  assert.deepEqual(messages(await ask(actor, { type: 'start' })), ['start: startProcess: EIO']);
  assert.equal(status(actor), 'stopped');
});

test('a poststart hook that fails ends the container', async () => {
  const world = new World();
  const actor = newActor(world, newRecord({ poststart: [{ path: '/hook' }] }));
  await ask(actor, { type: 'create' });
  world.fate = failing('runHooks');
  assert.deepEqual(messages(await ask(actor, { type: 'start' })), ['poststart hooks: runHooks: EIO']);
  assert.equal(status(actor), 'stopped');
  assert.equal(world.init, 'dead');
});

test('a poststop hook that fails is a warning', async () => {
  const world = new World();
  const actor = newActor(world, newRecord({ poststop: [{ path: '/hook' }] }));
  await ask(actor, { type: 'create' });
  world.fate = failing('runHooks');
  const answer = await ask(actor, DELETE);
  assert.equal(answer.outcome === 'done' && answer.warnings.length, 1);
  assert.deepEqual(world.leftovers, []);
});

test('the first failure of a creation is its cause, and what began is undone in reverse', async () => {
  const world = new World(failing('enterRootfs'));
  const actor = newActor(world);
  assert.deepEqual(messages(await ask(actor, { type: 'create' })), ['rootfs: enterRootfs: EIO']);
  assert.equal(actor.getSnapshot().value, 'failed');
  assert.deepEqual(world.calls.slice(-3), ['destroyInit', 'removeCgroup', 'removeState']);
  assert.deepEqual(world.leftovers, []);
});

test('an undo that fails is told in addition, stops no other, and leaves a container to delete', async () => {
  const world = new World(failing('enterRootfs', 'removeCgroup'));
  const actor = newActor(world);
  assert.deepEqual(messages(await ask(actor, { type: 'create' })), [
    'rootfs: enterRootfs: EIO',
    'undoing the cgroup: removeCgroup: EIO',
  ]);
  assert.equal(world.init, 'dead');
  assert.equal(status(actor), 'creating');
  assert.deepEqual(actor.getSnapshot().context.leftovers, ['cgroup']);
  world.fate = () => 'succeed';
  assert.equal((await ask(actor, DELETE)).outcome, 'refused');
  assert.equal((await ask(actor, FORCE)).outcome, 'done');
  assert.deepEqual(world.leftovers, []);
});

test('delete that fails leaves a stopped container, and can be tried again', async () => {
  const world = new World(failing('removeCgroup'));
  const actor = await brought(world, 'create', 'start');
  assert.deepEqual(messages(await ask(actor, FORCE)), ['removing the cgroup: removeCgroup: EIO']);
  assert.equal(status(actor), 'stopped');
  world.fate = () => 'succeed';
  assert.equal((await ask(actor, DELETE)).outcome, 'done');
  assert.deepEqual(world.leftovers, []);
});

test('checkpoint stops the container, or leaves it running or paused as it was', async () => {
  const stopped = await brought(new World(), 'create', 'start', 'checkpoint');
  assert.equal(status(stopped), 'stopped');
  for (const before of [
    ['create', 'start'],
    ['create', 'start', 'pause'],
  ] as const) {
    const actor = await brought(new World(), ...before);
    const was = status(actor);
    await ask(actor, { ...CHECKPOINT, leaveRunning: true });
    assert.equal(status(actor), was);
  }
});

test('restore brings a running container back, and unwinds when it fails', async () => {
  const world = new World();
  const actor = await brought(world, 'restore');
  assert.equal(status(actor), 'running');
  assert.equal(world.saved?.state, 'running');
  const broken = new World(failing('restore'));
  const failed = newActor(broken);
  assert.deepEqual(messages(await ask(failed, RESTORE)), ['restore: restore: EIO']);
  assert.deepEqual(broken.leftovers, []);
});
