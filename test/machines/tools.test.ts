/**
 * Other people's tools can take the machine as it is: XState's graph gets to every state, and an inspector's JSON holds
 * the whole chart.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createActor } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { ask } from '../../machines/ask.ts';
import { containerMachine } from '../../machines/container.ts';
import type { LifecycleEvent } from '../../machines/events.ts';
import { CHECKPOINT, HOOKS, newRecord, RESTORE, UPDATE, World } from './world.ts';

interface Node {
  readonly path: readonly string[];
  readonly type: string;
  readonly states: Readonly<Record<string, Node>>;
  readonly invoke: readonly { readonly src: unknown; readonly id: string }[];
}

const below = (node: Node): readonly Node[] => [node, ...Object.values(node.states).flatMap(below)];

const nodes = below(containerMachine.root);

const nameOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : Object.entries(value ?? {})
        .flat()
        .join('.');

const alive = { init: 'alive', frozen: false, started: false } as const;

const asked: readonly LifecycleEvent[] = [
  { type: 'create' },
  RESTORE,
  { type: 'start' },
  { type: 'kill', signal: 9, all: true },
  { type: 'pause' },
  { type: 'resume' },
  UPDATE,
  { type: 'exec', ignorePaused: true },
  { type: 'events' },
  CHECKPOINT,
  { type: 'delete', force: true },
  { type: 'observed', facts: { ...alive, init: 'gone' } },
  { type: 'observed', facts: { ...alive, started: true } },
  { type: 'observed', facts: { ...alive, frozen: true } },
];

const OUTPUTS: Readonly<Record<string, unknown>> = {
  makeCgroup: { layout: 'v2', driver: 'fs', paths: { unified: '/sys/fs/cgroup/test' } },
  enterNamespaces: { pid: 42, startTime: '1000' },
  restore: { pid: 43, startTime: '2000' },
  update: UPDATE.config,
  observe: alive,
};

/** The ends of the effects: each succeeds or fails. */
const effects = [...new Set(nodes.flatMap(({ invoke }) => invoke.map(({ id }) => id)))].flatMap((id) => [
  { type: `xstate.done.actor.${id}`, output: OUTPUTS[id] },
  { type: `xstate.error.actor.${id}`, error: 'EIO' },
]);

test('its shortest paths lead to every state', () => {
  const paths = getShortestPaths(containerMachine, {
    input: { record: newRecord(HOOKS) },
    // The ends of effects are XState's own events.
    events: [...asked, { type: 'saved' }, { type: 'unsaved', error: 'ENOSPC' }, ...effects] as LifecycleEvent[],
    serializeState: ({ value, context }) =>
      JSON.stringify([value, context.reached, context.leftovers.length > 0, context.begun.at(-1)]),
    limit: 100_000,
  });
  const reached = new Set(paths.map(({ state }) => nameOf(state.value)));
  const all = nodes.filter(({ type }) => type === 'atomic' || type === 'final').map(({ path }) => path.join('.'));
  // An `always` transition leads on from there at once.
  const passing = 'unwinding.whatBegan';
  assert.deepEqual([...reached].toSorted(), all.filter((name) => name !== passing).toSorted());
});

/** The machine, as the inspector's event `@xstate.actor` carries it. */
const definition = JSON.parse(JSON.stringify(containerMachine.config));

interface Config {
  readonly states?: Readonly<Record<string, Config>>;
  readonly on?: Readonly<Record<string, unknown>>;
  readonly always?: unknown;
  readonly invoke?: { readonly src: string; readonly onDone?: unknown; readonly onError?: unknown };
  readonly entry?: unknown;
  readonly exit?: unknown;
}

const list = (value: unknown): readonly unknown[] => (value === undefined ? [] : [value].flat());

function transitionsOf(config: Config): readonly unknown[] {
  const { on = {}, always, invoke } = config;
  return [...Object.values(on), always, invoke?.onDone, invoke?.onError].flatMap(list);
}

const statesOf = (config: Config): readonly Config[] => [
  config,
  ...Object.values(config.states ?? {}).flatMap(statesOf),
];

test('an inspector’s JSON has every state and every transition, with its guard and its actions by name', () => {
  const states = statesOf(definition);
  assert.equal(states.length, nodes.length);
  const machine = createActor(containerMachine, { input: { record: newRecord() } }).getSnapshot().machine;
  const made = statesOf(machine.config as Config);
  for (const [at, state] of states.entries()) {
    const original = made[at];
    assert.ok(original !== undefined);
    assert.deepEqual(transitionsOf(state), transitionsOf(original));
    assert.deepEqual([state.entry, state.exit], [original.entry, original.exit]);
    assert.equal(typeof state.invoke?.src, typeof original.invoke?.src);
  }
  const transitions = states.flatMap(transitionsOf);
  const known = below(containerMachine.root).flatMap((node) => Object.values(transitionsIn(node)));
  assert.equal(
    transitions.length,
    known.reduce((sum, count) => sum + count, 0),
  );
});

/** How many transitions XState has made from a state's configuration. */
function transitionsIn(node: unknown): Readonly<Record<string, number>> {
  const { transitions, always }: { transitions?: unknown; always?: unknown } = { ...(node as object) };
  const made = transitions instanceof Map ? [...transitions].map(([event, some]) => [event, some.length]) : [];
  return Object.fromEntries([...made, ['always', list(always).length]]);
}

test('only the inputs of effects and the first context are computed', () => {
  const functions: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'function') functions.push(path);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
  };
  walk(containerMachine.config, '');
  assert.deepEqual(
    functions.filter((path) => path !== '.context' && !path.endsWith('.invoke.input')),
    [],
  );
});

test('without effects it performs nothing, and says so', async () => {
  const actor = createActor(containerMachine, { input: { record: newRecord() } }).start();
  const answer = await ask(actor, { type: 'create' });
  assert.match(
    answer.outcome === 'failed' ? String(answer.failures[0].error) : '',
    /containerMachine was given no effects/,
  );
});

test('an inspector names a container’s actor by the container, and its effects by theirs', async () => {
  const seen = new Set<string>();
  const actor = createActor(containerMachine, {
    id: 'c1',
    input: { record: newRecord(), effects: new World().effects },
    inspect: ({ type, actorRef }) => {
      if (type === '@xstate.actor' && 'id' in actorRef) seen.add(String(actorRef.id));
    },
  }).start();
  await ask(actor, { type: 'create' });
  assert.deepEqual([...seen], ['c1', 'makeCgroup', 'enterNamespaces', 'makeMounts', 'enterRootfs', 'prepareProcess']);
});
