/** Commands on a container, with real directories and locks, and effects in memory. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Answer } from '../../../machines/ask.ts';
import type { Request } from '../../../machines/events.ts';
import { close } from '../../../native/calls/files.ts';
import type { Kernel } from '../../../native/kernel/kernel.ts';
import { type Access, newContainer, openContainer } from '../../../runtime/container/access.ts';
import type { OpenOptions } from '../../../runtime/container/container.ts';
import { deleteContainer } from '../../../runtime/operations/delete.ts';
import { StoreError } from '../../../runtime/store/error.ts';
import { lookAt, lookAtAll } from '../../../runtime/store/look.ts';
import { HOOKS, newRecord, World } from '../../machines/world.ts';
import { FaultPlan, faultKernel } from '../../simulation/faults.ts';
import { command, descriptors, kernel, newRoot, patience } from '../place.ts';

const KILL = { type: 'kill', signal: 9, all: false } as const;
const BUSY = { message: 'container c1 is busy: another command is working on it' };
const MISSING = { message: /^container does not exist: \S+ is not in \// };

const recordIn = (root: string) => ({ ...newRecord(HOOKS), root });

async function create(options: OpenOptions): Promise<Answer> {
  const container = await newContainer(options, recordIn(options.root));
  return container.request({ type: 'create' }).finally(() => container.close());
}

async function run(options: OpenOptions, request: Request, access: Access = 'exclusive'): Promise<Answer> {
  const container = await openContainer(options, access);
  return container.request(request).finally(() => container.close());
}

const stored = (root: string) => JSON.parse(readFileSync(join(root, 'c1', 'state.json'), 'utf8'));

test('separate commands lead a container through its life', async () => {
  const before = descriptors();
  const [root, world] = [newRoot(), new World()];
  const options = command(root, world);
  const look = () => lookAt({ kernel, root, observe: () => world.facts() }, 'c1');
  assert.equal((await create(options)).outcome, 'done');
  assert.deepEqual(stored(root).snapshot.value, { created: 'idle' });
  assert.equal((await look()).status, 'created');
  assert.equal((await run(options, { type: 'start' })).outcome, 'done');
  assert.deepEqual(stored(root).snapshot.value, { running: 'idle' });
  await run(options, { type: 'pause' });
  assert.equal((await look()).status, 'paused');
  await run(options, { type: 'resume' });
  await run(options, KILL, 'shared');
  assert.deepEqual(stored(root).snapshot.value, { running: 'idle' }, 'kill writes nothing');
  assert.equal((await look()).status, 'stopped');
  assert.equal((await deleteContainer(options, false)).outcome, 'done');
  assert.deepEqual(readdirSync(root), []);
  assert.deepEqual(world.hooks, ['createRuntime', 'createContainer', 'poststart', 'poststop']);
  assert.equal(descriptors(), before);
});

test('the machine is told what happened meanwhile, before it gets the request', async () => {
  const [root, world] = [newRoot(), new World()];
  const options = command(root, world);
  await create(options);
  // `start` reached execve, and died before it could write that down.
  world.init = 'started';
  assert.partialDeepStrictEqual(await run(options, { type: 'start' }), {
    outcome: 'refused',
    message: 'cannot start an already running container',
  });
  world.frozen = true;
  assert.partialDeepStrictEqual(await run(options, { type: 'pause' }), {
    outcome: 'refused',
    message: 'container not running',
  });
  world.init = 'dead';
  assert.partialDeepStrictEqual(await run(options, KILL, 'shared'), {
    outcome: 'refused',
    message: 'container not running',
  });
  assert.equal((await deleteContainer(options, false)).outcome, 'done');
});

test('a request that is refused writes nothing, not even what happened meanwhile', async () => {
  const [root, world] = [newRoot(), new World()];
  const options = command(root, world);
  await create(options);
  const text = readFileSync(join(root, 'c1', 'state.json'), 'utf8');
  world.init = 'dead';
  await run(options, { type: 'resume' });
  assert.equal(readFileSync(join(root, 'c1', 'state.json'), 'utf8'), text);
});

test('an id is used once', async () => {
  const options = command(newRoot());
  await create(options);
  await assert.rejects(create(options), { message: 'container with given ID already exists' });
});

test('a directory that somebody removes before the creation locks it is made anew', async () => {
  const root = newRoot();
  let removed = false;
  const raced: Kernel = {
    ...kernel,
    submit(calls) {
      if (calls[0]?.name === 'flock' && !removed) {
        rmdirSync(join(root, 'c1'));
        removed = true;
      }
      return kernel.submit(calls);
    },
  };
  assert.equal((await create({ ...command(root), kernel: raced })).outcome, 'done');
  assert.equal(removed, true);
  assert.deepEqual(stored(root).snapshot.value, { created: 'idle' });
});

test('one command at a time: the second waits, or says that the container is busy', async () => {
  const root = newRoot();
  const options = command(root);
  await create(options);
  const first = await openContainer(options, 'exclusive');
  await assert.rejects(openContainer({ ...options, patience: { ...patience, milliseconds: 20 } }, 'exclusive'), BUSY);
  const second = openContainer(options, 'exclusive');
  await first.request({ type: 'start' });
  first.close();
  const opened = await second;
  assert.equal(opened.status, 'running');
  opened.close();
});

test('a command that waits for a container which is deleted meanwhile says that it does not exist', async () => {
  const options = command(newRoot());
  await create(options);
  const first = await openContainer(options, 'exclusive');
  const second = openContainer(options, 'exclusive');
  await first.request({ type: 'delete', force: true });
  first.close();
  await assert.rejects(second, MISSING);
});

test('a command that waits for a container which is deleted and made anew does not get the new one', async () => {
  const root = newRoot();
  const options = command(root);
  await create(options);
  const first = await openContainer(options, 'exclusive');
  const second = openContainer(options, 'exclusive');
  await first.request({ type: 'delete', force: true });
  await create(command(root));
  first.close();
  await assert.rejects(second, MISSING);
});

test('kill and exec need no lock: a hook may use them', async () => {
  const [root, world] = [newRoot(), new World()];
  const options = command(root, world);
  await create(options);
  const holder = await openContainer(options, 'exclusive');
  assert.equal((await run(options, { type: 'exec', ignorePaused: false }, 'shared')).outcome, 'done');
  assert.equal((await run(options, KILL, 'shared')).outcome, 'done');
  await assert.rejects(run(options, { type: 'start' }, 'shared'), TypeError);
  holder.close();
});

test('delete --force kills the init that another command hangs on, then waits for that command', async () => {
  const [root, world] = [newRoot(), new World()];
  const options = command(root, world);
  const hanging = await newContainer(options, recordIn(root));
  const hangs = Promise.withResolvers<void>();
  world.fate = (name) => {
    if (name === 'makeMounts') hangs.resolve();
    return name === 'makeMounts' ? 'die' : 'succeed';
  };
  void hanging.request({ type: 'create' });
  await hangs.promise;
  world.fate = (name) => {
    // The init is gone. So the command that talked to it ends, and lets go of its lock.
    if (name === 'destroyInit') queueMicrotask(() => hanging.close());
    return 'succeed';
  };
  assert.equal((await deleteContainer(options, true)).outcome, 'done');
  assert.deepEqual(
    world.leftovers.filter((what) => what !== 'state'),
    [],
  );
  assert.deepEqual(readdirSync(root), []);
});

test('delete --force of a container that does not exist succeeds; delete says that it does not exist', async () => {
  const options = command(newRoot());
  await assert.rejects(deleteContainer(options, false), MISSING);
  assert.deepEqual(await deleteContainer(options, true), { outcome: 'done', warnings: [] });
});

test('delete removes the directory of a creation that wrote nothing into it', async () => {
  const root = newRoot();
  const options = command(root);
  mkdirSync(join(root, 'c1'));
  await assert.rejects(openContainer(options, 'exclusive'), MISSING);
  assert.ok(existsSync(join(root, 'c1')));
  await assert.rejects(deleteContainer(options, false), MISSING);
  assert.ok(!existsSync(join(root, 'c1')));
  mkdirSync(join(root, 'c1'));
  assert.equal((await deleteContainer(options, true)).outcome, 'done');
  assert.ok(!existsSync(join(root, 'c1')));
});

for (const [what, text] of [
  ['damaged', '{"runchart":1,"snap'],
  ['foreign', '{"id":"c1","init_process_pid":1,"cgroup_paths":{}}'],
])
  test(`a ${what} state.json: a clear error for commands, and still deletable with --force`, async () => {
    const [root, world] = [newRoot(), new World()];
    const options = command(root, world);
    await create(options);
    writeFileSync(join(root, 'c1', 'state.json'), String(text));
    for (const request of [{ type: 'start' }, { type: 'delete', force: false }] as const)
      await assert.rejects(run(options, request), /^StoreError: the state of container c1 is damaged: /);
    await assert.rejects(deleteContainer(options, false), /damaged/);
    const [seen] = await lookAtAll({ kernel, root, observe: () => world.facts() });
    assert.ok(seen?.problem instanceof StoreError && seen.view === undefined);
    assert.equal((await deleteContainer(options, true)).outcome, 'done');
    assert.deepEqual(world.calls.slice(-2), ['destroyInit', 'removeCgroup']);
    assert.deepEqual(readdirSync(root), []);
  });

test('containers are listed in order, with those that cannot be read', async () => {
  const [root, world] = [newRoot(), new World()];
  for (const id of ['b', 'a']) {
    const options = command(root, new World(), id);
    const container = await newContainer(options, { ...recordIn(root), id });
    await container.request({ type: 'create' });
    container.close();
  }
  mkdirSync(join(root, 'empty'));
  mkdirSync(join(root, 'other'));
  writeFileSync(join(root, 'other', 'state.json'), '{}');
  const seen = await lookAtAll({ kernel, root, observe: () => world.facts() });
  assert.deepEqual(
    seen.map(({ id, view, problem }) => [id, view?.status, problem === undefined]),
    [
      ['a', 'stopped', true],
      ['b', 'stopped', true],
      ['other', undefined, false],
    ],
  );
});

test('requests of one command are served one after the other', async () => {
  const options = command(newRoot());
  const container = await newContainer(options, recordIn(options.root));
  const answers = await Promise.all(
    (['create', 'start', 'pause', 'start'] as const).map((type) => container.request({ type })),
  );
  assert.deepEqual(
    answers.map(({ outcome }) => outcome),
    ['done', 'done', 'done', 'refused'],
  );
  container.close();
});

test('whichever call on the directory fails, the error is one line, and a creation is undone', async () => {
  let calls = 0;
  for (let n = 1; ; n++) {
    const [root, world] = [newRoot(), new World()];
    // A close that fails still closes the descriptor (close(2)). A trial in which it is not performed would prove
    // nothing.
    const plan = new FaultPlan((seen, { name }) => (seen === n && name !== 'close' ? 'EIO' : undefined));
    const options = { ...command(root, world), kernel: faultKernel(kernel, plan) };
    const before = descriptors();
    const failures = await attempt(async () => {
      const created = await create(options);
      return created.outcome === 'done' ? [await run(options, { type: 'start' })] : [created];
    });
    const [struck] = plan.struck;
    if (plan.seen < n) break;
    calls = n;
    if (struck === undefined) continue;
    const what = `${struck.call.name}, call ${n}`;
    for (const line of failures) assert.match(line, /^[^\n]*EIO[^\n]*$/, what);
    // Commands overcome some failures.
    assert.equal(failures.length, world.init === 'started' && stored(root).snapshot.value.running ? 0 : 1, what);
    assert.equal(descriptors(), before, what);
    // A creation that failed is undone. What failed later left a container.
    const there = world.init === 'waiting' || world.init === 'started';
    assert.deepEqual(readdirSync(root), there ? ['c1'] : [], what);
    assert.equal(world.cgroup, there, what);
    assert.equal((await deleteContainer(command(root, world), true)).outcome, 'done', what);
    assert.deepEqual(readdirSync(root), [], what);
    assert.equal(world.alive || world.cgroup, false, what);
  }
  assert.ok(calls > 20, `${calls} calls`);
});

test('whichever call on the directory a command dies at, delete --force leaves nothing', async () => {
  let calls = 0;
  for (let n = 1; ; n++) {
    const [root, world] = [newRoot(), new World()];
    let dead = false;
    const plan = new FaultPlan(
      (seen) => (dead || seen === n ? 'die' : undefined),
      () => {
        dead = true;
        throw new Error('dead');
      },
    );
    const dying = faultKernel(kernel, plan);
    const before = readdirSync('/proc/self/fd');
    world.fate = () => (dead ? 'die' : 'succeed');
    const options = { ...command(root, world), kernel: dying };
    const life = async () => {
      await create(options);
      await run(options, { type: 'start' });
      await deleteContainer(options, true);
    };
    // A dead command's promises never settle.
    let over = false;
    const lived = life().catch(() => undefined);
    await Promise.race([lived.finally(() => (over = true)), until(() => dead || over)]);
    if (!dead) break;
    calls = n;
    world.killCommand();
    world.fate = () => 'succeed';
    for (const fd of readdirSync('/proc/self/fd'))
      if (!before.includes(fd)) kernel.submit([{ ...close(Number(fd)), mayFail: true }]);
    const struck = `${plan.struck[0]?.call.name}, call ${n}`;
    assert.equal((await deleteContainer(command(root, world), true)).outcome, 'done', struck);
    assert.deepEqual(readdirSync(root), [], struck);
    assert.equal(world.alive || world.cgroup, false, struck);
  }
  assert.ok(calls > 30, `${calls} calls`);
});

/** The lines that a command would print about the requests that it served. */
async function attempt(work: () => Promise<readonly Answer[]>): Promise<readonly string[]> {
  try {
    return (await work()).flatMap((answer) => {
      if (answer.outcome === 'refused') return [answer.message];
      const failures = answer.outcome === 'failed' ? answer.failures : [];
      return [...failures, ...answer.warnings].map(({ error }) => String(error));
    });
  } catch (error) {
    return [String(error)];
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('a container that was released can be taken up again if nobody has changed it', async () => {
  const before = descriptors();
  const [root, world] = [newRoot(), new World()];
  const options = command(root, world);
  const container = await newContainer(options, recordIn(root));
  await container.request({ type: 'create' });
  await container.request({ type: 'start' });
  container.release();
  await assert.rejects(container.request({ type: 'pause' }), TypeError, 'it has no lock');
  assert.equal(
    (await run(options, { type: 'update', config: recordIn(root).config, resources: {}, schemata: false })).outcome,
    'done',
  );
  world.init = 'dead';
  assert.equal(await container.reacquire(), true, 'what was written is what it had written');
  assert.equal(container.status, 'stopped', 'the machine was told of the end');
  assert.equal((await container.request({ type: 'delete', force: false })).outcome, 'done');
  container.close();
  container.close();
  assert.deepEqual(readdirSync(root), []);
  assert.equal(descriptors(), before);
});

test('a container that others have changed or deleted meanwhile cannot be taken up again', async () => {
  const [root, world] = [newRoot(), new World()];
  const options = command(root, world);
  const container = await newContainer(options, recordIn(root));
  await container.request({ type: 'create' });
  container.release();
  await run(options, { type: 'start' });
  assert.equal(await container.reacquire(), false);
  container.close();
  const other = await openContainer(options, 'exclusive');
  other.release();
  await deleteContainer(options, true);
  await assert.rejects(other.reacquire(), MISSING);
  other.close();
});
