/**
 * Every operation of the library on a container in each state, gone, and damaged. The state is brought about by
 * commands, so the program's own handle does not know of it yet.
 */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Container, type ErrorCode, openRuntime, RunchartError } from '../../library/index.ts';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { commandLine, RUNCHART } from './command-line.ts';

const skip = noContainers;
const work = workFolder('library-states');
const runchart = commandLine(RUNCHART, work.path);
const { root } = runchart;
const runtime = openRuntime({ root });
const bundle = noContainers ? '' : makeBundle(join(work.path, 'bundle'), shellConfig('sleep 1000 & wait'));
let count = 0;

after(() => {
  runtime.close();
  assert.deepEqual(existsSync(root) ? readdirSync(root) : [], [], 'no container is left');
  work.remove();
});

/** What commands do to a container that the program has created. */
const STATES = {
  created: [],
  running: [['start']],
  paused: [['start'], ['pause']],
  stopped: [['start'], ['kill', 'KILL']],
  gone: [['delete', '--force']],
  damaged: [],
} as const satisfies Readonly<Record<string, readonly (readonly string[])[]>>;
type State = keyof typeof STATES;

const ok = 'ok';
type Expected = typeof ok | ErrorCode;

interface Operation {
  perform(container: Container): Promise<unknown>;
  /** In the order of STATES. */
  readonly expected: readonly [Expected, Expected, Expected, Expected, Expected, Expected];
}

const [N, W, D] = ['NOT_FOUND', 'WRONG_STATE', 'DAMAGED'] as const;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  //                                                                created running paused stopped gone damaged
  state: { perform: (one) => one.state(), expected: [ok, ok, ok, ok, N, D] },
  config: { perform: (one) => one.config(), expected: [ok, ok, ok, ok, N, D] },
  pids: { perform: (one) => one.pids(), expected: [ok, ok, ok, ok, N, D] },
  ps: { perform: (one) => one.ps(), expected: [ok, ok, ok, ok, N, D] },
  stats: { perform: (one) => one.stats(), expected: [ok, ok, ok, W, N, D] },
  events: { perform: firstEvent, expected: [ok, ok, ok, W, N, D] },
  start: { perform: (one) => one.start(), expected: [ok, W, W, W, N, D] },
  pause: { perform: (one) => one.pause(), expected: [ok, ok, W, W, N, D] },
  resume: { perform: (one) => one.resume(), expected: [W, W, ok, W, N, D] },
  kill: { perform: (one) => one.kill('CONT'), expected: [ok, ok, ok, W, N, D] },
  killAll: { perform: (one) => one.kill('KILL', { all: true }), expected: [ok, ok, ok, ok, N, D] },
  update: { perform: (one) => one.update({ pids: { limit: 99 } }), expected: [ok, ok, ok, W, N, D] },
  exec: { perform: exec, expected: [ok, ok, W, W, N, D] },
  // Without CRIU, or where CRIU cannot, it fails where it may be tried, and the container goes on.
  checkpoint: { perform: checkpoint, expected: [W, ok, ok, W, N, D] },
  delete: { perform: (one) => one.delete(), expected: [ok, W, W, ok, N, D] },
  deleteForce: { perform: (one) => one.delete({ force: true }), expected: [ok, ok, ok, ok, ok, ok] },
};

async function firstEvent(container: Container): Promise<void> {
  for await (const _ of container.events({ intervalMs: 1 })) return;
}

async function exec(container: Container): Promise<void> {
  const { status } = await container.exec({ args: ['true'] });
  assert.equal(status, 0);
}

async function checkpoint(container: Container): Promise<void> {
  const imagePath = join(work.path, `images-${container.id}`);
  try {
    await container.checkpoint({ imagePath, leaveRunning: true });
  } catch (error) {
    if (!(error instanceof RunchartError && error.code === 'FAILED')) throw error;
  }
}

for (const [index, state] of Object.keys(STATES).entries())
  test(`each operation on a container that is ${state}`, { skip }, async () => {
    for (const [name, { perform, expected }] of Object.entries(OPERATIONS)) {
      const container = await brought(state as State);
      const title = `${name} of a container that is ${state}`;
      try {
        assert.equal(await outcomeOf(() => perform(container), container.id), expected[index], title);
      } finally {
        await container.delete({ force: true });
      }
    }
  });

async function brought(state: State): Promise<Container> {
  const id = `runchart-test-${process.pid}-${++count}`;
  const container = await runtime.create({ id, bundle });
  for (const [command = '', ...argv] of STATES[state]) {
    const outcome = command === 'delete' ? runchart(command, ...argv, id) : runchart(command, id, ...argv);
    assert.equal(outcome.status, 0, outcome.stderr);
  }
  if (state === 'stopped') await container.wait();
  if (state === 'damaged') writeFileSync(join(root, id, 'state.json'), '{"runchart":1,');
  return container;
}

async function outcomeOf(action: () => Promise<unknown>, id: string): Promise<Expected> {
  try {
    await action();
    return ok;
  } catch (error) {
    if (!(error instanceof RunchartError)) throw error;
    assert.equal(error.id, id);
    assert.match(error.message, new RegExp(id), 'the message names the container');
    assert.doesNotMatch(error.message, /\n|(?:^|\s)--\w/, 'it is one line, without flags of the command');
    assert.match(error.stack ?? '', /^.*\n\s+at .*library-states\.test\.ts/, 'the stack begins with the caller');
    return error.code;
  }
}
