/** What the server tells becomes runs of commands, moves of containers, and the way that each has come. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lifeOf } from '../../page/life.ts';
import { keyOf, Lives } from '../../page/lives.ts';
import { callText, performersOf, storyOf } from '../../page/story.ts';
import type { CallLine, Line } from '../../spec/watch/lines.ts';
import type { Hello } from '../../spec/watch/messages.ts';

const hello: Hello = {
  type: 'runchart.hello',
  version: '0.1.0',
  format: 1,
  now: 100,
  roots: ['/run/x'],
  values: false,
  live: true,
};
const common = { run: '7.create', root: '/run/x' };
const state = (place: string, at: number, run = common.run): Line => ({
  ...common,
  run,
  type: 'state',
  id: 'one',
  state: place,
  status: null,
  at,
});
const call = (name: string, at: number, more: Partial<CallLine> = {}): CallLine => ({
  ...common,
  type: 'call',
  who: 'init',
  batch: 1,
  call: name,
  args: [3, 'proc', 'AT_EMPTY_PATH', null, ['a'], { flags: 'O_PATH' }],
  result: 5,
  at,
  ...more,
});

/** A creation whose mounts fail, which the machine hears of two phases later. */
const failing: readonly Line[] = [
  { ...common, type: 'command', format: 1, version: '0.1.0', command: 'create', id: 'one', pid: 7, at: 101 },
  state('absent', 101.01),
  { ...common, type: 'request', id: 'one', request: 'create', at: 101.02 },
  state('creating.cgroup', 101.02),
  state('creating.mounts', 101.03),
  call('fsopen', 101.031, { seconds: 0.002 }),
  call('move_mount', 101.032, { result: -1, errno: 'ENOENT', who: 'runtime' }),
  state('creating.rootfs', 101.04),
  state('creating.process', 101.05),
  { ...common, type: 'failure', id: 'one', during: 'mounts', message: 'no such file', code: 'ENOENT', at: 101.06 },
  state('unwinding.init', 101.06),
  { ...common, type: 'warning', message: 'slow', at: 101.065 },
  state('failed', 101.08),
  { ...common, type: 'end', status: 1, error: 'no such file', at: 101.09 },
];

function livesOf(lines: readonly Line[]): Lives {
  const lives = new Lives();
  assert.ok(lives.take(hello));
  assert.ok(lives.take({ type: 'runchart.lines', lines }));
  return lives;
}

const key = keyOf('/run/x', 'one');

describe('what the page knows', () => {
  it('tells a failure at the phase that it belongs to', () => {
    const [run] = livesOf(failing).runsOf(key);
    assert.ok(run !== undefined);
    const story = storyOf(run);
    assert.deepEqual([story.title, story.status, story.ended], ['create', 1, true]);
    const failed = story.phases.filter(({ failures }) => failures.length > 0).map(({ place }) => place);
    assert.deepEqual(failed, ['creating.mounts']);
    const mounts = story.phases.find(({ place }) => place === 'creating.mounts');
    assert.ok(Math.abs((mounts?.seconds ?? 0) - 0.01) < 1e-6);
    assert.deepEqual(performersOf(mounts?.calls ?? []), [
      { who: 'init', count: 1, failed: 0, seconds: 0.002 },
      { who: 'runtime', count: 1, failed: 1, seconds: 0 },
    ]);
    const [absent] = story.phases;
    assert.deepEqual(
      absent?.requests.map(({ request }) => request),
      ['create'],
    );
    assert.ok(Math.abs((absent?.requests[0]?.seconds ?? 0) - 0.06) < 1e-6, 'until all is undone');
    assert.deepEqual(lifeOf([run]).broken, ['creating.mounts']);
  });

  it('leaves out the life of an earlier container of the same name', () => {
    const again = [
      state('absent', 102, '8.run'),
      state('creating.cgroup', 102.1, '8.run'),
      state('running', 103, '8.run'),
    ];
    const life = lifeOf(livesOf([...failing, ...again]).runsOf(key));
    assert.deepEqual(life, { path: ['absent', 'creating.cgroup', 'running'], broken: [] });
  });

  it('does not show moves that happened before the page came', () => {
    assert.deepEqual(livesOf([state('running', 50), state('paused', 60)]).takeMoves(), []);
    const lives = livesOf([state('running', 50), state('paused', 160)]);
    assert.deepEqual(lives.takeMoves(), [{ key, from: 'running', to: 'paused' }]);
    assert.deepEqual(lives.takeMoves(), []);
  });

  it('counts a process of exec to its container, but not to the way of that', () => {
    const exec: Line = {
      ...common,
      run: '9.exec',
      type: 'state',
      id: 'exec in one',
      state: 'starting',
      status: null,
      at: 104,
    };
    const runs = livesOf([...failing, exec]).runsOf(key);
    assert.equal(runs.length, 2);
    assert.equal(lifeOf(runs).path.at(-1), 'failed');
    assert.equal(runs[1] && storyOf(runs[1]).phases[0]?.place, 'exec: starting');
  });

  it('forgets the oldest runs when there are too many lines', () => {
    const lives = livesOf([]);
    for (let round = 0; round < 50; round++) {
      const lines = Array.from({ length: 1000 }, (_, index) =>
        state(index % 2 ? 'running' : 'paused', round, `${round}.x`),
      );
      lives.take({ type: 'runchart.lines', lines });
    }
    const runs = lives.runsOf(key);
    assert.equal(runs.at(-1)?.run, '49.x');
    assert.ok(runs.reduce((sum, { lines }) => sum + lines.length, 0) <= 30_000);
  });

  it('forgets containers that are gone, and none that is there', () => {
    const lives = livesOf([]);
    const summary = (id: number, status: 'running' | null) =>
      ({ root: '/run/x', id: `c${id}`, status, place: status ?? 'deleted', annotations: {} }) as const;
    for (let id = 0; id < 3000; id++)
      lives.take({ type: 'runchart.containers', containers: [summary(id, id % 10 === 0 ? 'running' : null)] });
    const there = [...lives.containers.values()].filter(({ status }) => status === 'running');
    assert.equal(there.length, 300);
    assert.ok(lives.containers.size <= 1000);
    assert.ok(lives.containers.has(keyOf('/run/x', 'c2999')));
  });

  it('begins anew after a greeting, and minds no nonsense', () => {
    const lives = livesOf(failing);
    // @ts-expect-error: a server of another version may say anything
    lives.take({ type: 'runchart.lines', lines: [null, 3, {}, { run: 4 }, { type: 'later', run: '1', at: 1 }] });
    // @ts-expect-error: the same
    assert.equal(lives.take({ type: 'runchart.other' }), false);
    lives.take(hello);
    assert.deepEqual(lives.runsOf(key), []);
  });

  it('words a call as strace does', () => {
    const text = 'openat2(3, "proc", AT_EMPTY_PATH, NULL, ["a"], {flags=O_PATH}) = 5';
    assert.equal(callText(call('openat2', 0)), text);
    assert.match(callText(call('mount', 0, { result: -1, errno: 'EPERM' })), /= -1 EPERM$/);
    assert.match(callText(call('execve', 0, { result: null })), /= \?$/);
  });
});
