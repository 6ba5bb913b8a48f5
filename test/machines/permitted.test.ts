/**
 * What each state permits: a table of the OCI runtime specification (runtime.md, "Operations") and of runc's behaviour,
 * written by hand. `snapshot.can()`, which other people's tools ask, must say the same.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StateValue } from 'xstate';
import { ask } from '../../machines/ask.ts';
import { containerMachine } from '../../machines/container.ts';
import type { LifecycleEvent } from '../../machines/events.ts';
import type { ContainerRecord } from '../../spec/record.ts';
import { CHECKPOINT, newActor, newRecord, RESTORE, UPDATE, World } from './world.ts';

const TERM = 15;
const KILL = 9;

/** Every request, with each value of its flags that matters, and every observation. */
const EVENTS = {
  create: { type: 'create' },
  restore: RESTORE,
  start: { type: 'start' },
  'kill TERM': { type: 'kill', signal: TERM, all: false },
  'kill KILL': { type: 'kill', signal: KILL, all: false },
  'kill --all TERM': { type: 'kill', signal: TERM, all: true },
  'kill --all KILL': { type: 'kill', signal: KILL, all: true },
  pause: { type: 'pause' },
  resume: { type: 'resume' },
  update: UPDATE,
  exec: { type: 'exec', ignorePaused: false },
  'exec --ignore-paused': { type: 'exec', ignorePaused: true },
  events: { type: 'events' },
  checkpoint: CHECKPOINT,
  'checkpoint --leave-running': { ...CHECKPOINT, leaveRunning: true },
  'checkpoint --pre-dump': { ...CHECKPOINT, preDump: true },
  'checkpoint --leave-running --pre-dump': { ...CHECKPOINT, leaveRunning: true, preDump: true },
  delete: { type: 'delete', force: false },
  'delete --force': { type: 'delete', force: true },
  'seen gone': { type: 'observed', facts: { init: 'gone', frozen: false, started: false } },
  'seen waiting': { type: 'observed', facts: { init: 'alive', frozen: false, started: false } },
  'seen started': { type: 'observed', facts: { init: 'alive', frozen: false, started: true } },
  'seen frozen': { type: 'observed', facts: { init: 'alive', frozen: true, started: false } },
} as const satisfies Readonly<Record<string, LifecycleEvent>>;

type EventName = keyof typeof EVENTS;

const KILLS = ['kill TERM', 'kill KILL', 'kill --all TERM', 'kill --all KILL'] as const;
const EXECS = ['exec', 'exec --ignore-paused'] as const;
const CHECKPOINTS = [
  'checkpoint',
  'checkpoint --leave-running',
  'checkpoint --pre-dump',
  'checkpoint --leave-running --pre-dump',
] as const;
const DELETES = ['delete', 'delete --force'] as const;

interface Row {
  readonly name: string;
  readonly value: StateValue;
  readonly reached?: ContainerRecord['reached'];
  /** For a container without a pid namespace of its own. */
  readonly sharesPids?: true;
  readonly permits: readonly EventName[];
}

const SETTLED: readonly Row[] = [
  { name: 'no container', value: 'absent', permits: ['create', 'restore'] },
  { name: 'unfinished', value: { creating: 'unfinished' }, permits: ['delete --force'] },
  {
    name: 'created',
    value: { created: 'idle' },
    reached: 'created',
    permits: [
      'start',
      ...KILLS,
      'pause',
      'update',
      ...EXECS,
      'events',
      ...DELETES,
      'seen gone',
      'seen started',
      'seen frozen',
    ],
  },
  {
    name: 'running',
    value: { running: 'idle' },
    reached: 'running',
    permits: [
      ...[...KILLS, 'pause', 'update', ...EXECS, 'events', ...CHECKPOINTS, 'delete --force'],
      ...['seen gone', 'seen frozen'],
    ] as const,
  },
  {
    name: 'paused after its start',
    value: { paused: 'idle' },
    reached: 'running',
    permits: [
      ...[...KILLS, 'resume', 'update', 'exec --ignore-paused', 'events', ...CHECKPOINTS, 'delete --force'],
      ...['seen gone', 'seen waiting', 'seen started', 'seen frozen'],
    ] as const,
  },
  {
    name: 'paused before its start',
    value: { paused: 'idle' },
    reached: 'created',
    permits: [
      ...[...KILLS, 'resume', 'update', 'exec --ignore-paused', 'events', 'delete --force'],
      ...['seen gone', 'seen waiting', 'seen started', 'seen frozen'],
    ] as const,
  },
  {
    name: 'stopped',
    value: { stopped: 'idle' },
    reached: 'running',
    permits: ['kill --all TERM', 'kill --all KILL', ...DELETES],
  },
  {
    name: 'stopped, where the init took nobody along',
    value: { stopped: 'idle' },
    reached: 'running',
    sharesPids: true,
    permits: ['kill KILL', 'kill --all TERM', 'kill --all KILL', ...DELETES],
  },
  { name: 'deleted', value: 'deleted', permits: [] },
  { name: 'failed', value: 'failed', permits: [] },
];

/** Without a pid namespace of its own, a container permits the same, except where a row for that says otherwise. */
const ROWS: readonly Row[] = SETTLED.flatMap((row) =>
  row.sharesPids || row.name === 'stopped'
    ? [row]
    : [row, { ...row, name: `${row.name}, without pid namespace`, sharesPids: true }],
);

function snapshotIn({ value, reached = 'creating', sharesPids }: Omit<Row, 'name' | 'permits'>) {
  const record = newRecord();
  const config = sharesPids ? { ociVersion: '1.3.0' } : record.config;
  return containerMachine.resolveState({ value, context: { ...record, config, reached } });
}

const permittedIn = (row: Omit<Row, 'name' | 'permits'>): readonly string[] => {
  const snapshot = snapshotIn(row);
  return Object.entries(EVENTS).flatMap(([name, event]) => (snapshot.can(event) ? [name] : []));
};

interface Node {
  readonly path: readonly string[];
  readonly type: string;
  readonly tags: readonly string[];
  readonly states: Readonly<Record<string, Node>>;
}

const below = (node: Node): readonly Node[] => [node, ...Object.values(node.states).flatMap(below)];

for (const row of ROWS)
  test(`${row.name}: can() is true for what is permitted, and for nothing else`, () => {
    assert.deepEqual(permittedIn(row).toSorted(), row.permits.toSorted());
  });

test('the table has every settled state', () => {
  const settled = below(containerMachine.root)
    .filter((node) => node.type === 'final' || node.tags.includes('settled'))
    .map((node) => node.path.join('.'));
  const shown = SETTLED.map(({ value }) => (typeof value === 'string' ? value : Object.entries(value)[0]?.join('.')));
  assert.deepEqual(settled.toSorted(), [...new Set(shown)].toSorted());
});

test('while the machine is busy it takes no request', () => {
  const busy = below(containerMachine.root).filter(({ type, tags }) => type === 'atomic' && !tags.includes('settled'));
  assert.ok(busy.length > 20, `${busy.length} busy states`);
  for (const { path } of busy)
    for (const reached of ['creating', 'created', 'running'] as const) {
      const [outer = '', inner] = path;
      const value = inner === undefined ? outer : { [outer]: inner };
      assert.deepEqual(permittedIn({ value, reached }), [], path.join('.'));
    }
});

test('a request that comes while another is under way is refused, and the other goes on', async () => {
  const actor = newActor(new World());
  const creating = ask(actor, EVENTS.create);
  assert.partialDeepStrictEqual(await ask(actor, EVENTS.start), {
    outcome: 'refused',
    message: 'cannot start container c1: another request is under way',
  });
  assert.equal((await creating).outcome, 'done');
  assert.equal((await ask(actor, EVENTS.start)).outcome, 'done');
});
