import assert from 'node:assert/strict';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import * as original from 'xstate';
import { CHANGES, makeLazy, modulesOf } from '../../build/lazy-xstate.ts';

const xstate = join(import.meta.dirname, '../../node_modules/xstate');

describe('XState as it is linked', () => {
  let folder: string;
  let changed: typeof original;

  before(async () => {
    folder = mkdtempSync(join(dirname(xstate), 'runchart-test-'));
    cpSync(xstate, join(folder, 'xstate'), { recursive: true });
    const modules = globSync(join(folder, 'xstate/dist/*.esm.js'));
    for (const [name, changes] of Object.entries(CHANGES)) {
      const [file = '', ...others] = modules.filter((path) => modulesOf(name).test(path));
      assert.deepEqual([file !== '', others], [true, []], name);
      writeFileSync(file, makeLazy(readFileSync(file, 'utf8'), changes));
    }
    changed = await import(join(folder, 'xstate/dist/xstate.esm.js'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('formats only the transitions whose event comes', () => {
    const { states } = chart(changed);
    const { a, b, c } = states;
    assert.ok(a && b && c);
    const formatted = (node: object) => Object.hasOwn(node, 'transitions');
    assert.deepEqual([formatted(a), formatted(b)], [false, false]);
    const [go] = a.transitions.get('go') ?? [];
    // assert.equal would print the whole machine.
    assert.ok(go?.target?.[0] === c && a.transitions.get('go')?.[0] === go);
    assert.deepEqual([formatted(a), formatted(b)], [true, false]);
    for (const all of [[...a.transitions.values()].flat(), [...a.transitions].flatMap(([, one]) => one)])
      assert.ok(all[0] === go);
    assert.equal(JSON.stringify(c.definition), JSON.stringify(chart(original).states.c?.definition));
    assert.deepEqual(chart(changed).events.toSorted(), chart(original).events.toSorted());
  });

  it('behaves the same, whatever comes', () => {
    const types = ['go', 'back', 'into', 'some.thing', 'some.other', 'xstate', 'leave', 'count', 'finish', 'split'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...types), { maxLength: 12 }), (events) => {
        assert.deepEqual(journey(changed, events), journey(original, events));
      }),
      { numRuns: 300 },
    );
  });

  it('an XState that looks different is refused', () => {
    assert.throws(() => makeLazy('class StateMachine {}', CHANGES.StateMachine), /xstate has no `this\.transitions/);
  });
});

/** A machine that has something of everything that the changes touch. */
function chart({ setup, assign, fromPromise }: typeof original) {
  return setup({
    types: { context: {} as { n: number; log: string[] } },
    actors: { never: fromPromise(() => new Promise<void>(() => undefined)) },
    guards: { odd: ({ context }) => context.n % 2 === 1 },
    actions: {
      note: assign({ log: ({ context, event }) => [...context.log, event.type] }),
      count: assign({ n: ({ context }) => context.n + 1 }),
    },
  }).createMachine({
    id: 'm',
    context: { n: 0, log: [] },
    initial: 'a',
    on: { count: { actions: 'count' }, 'some.*': { actions: 'note' }, finish: { guard: 'odd', target: '.end' } },
    states: {
      a: {
        tags: ['first'],
        on: { go: [{ guard: 'odd', target: '#odd' }, { target: 'b' }], split: 'p', 'some.thing': { target: 'b.two' } },
      },
      b: {
        initial: 'one',
        invoke: { src: 'never', onDone: 'a', onError: { target: 'a', actions: 'note' } },
        on: { back: '#m.a', '*': { actions: 'note' }, leave: { target: 'c', reenter: true } },
        states: {
          one: { on: { into: 'two' }, entry: 'note' },
          two: { tags: ['second'], exit: 'count', on: { into: 'one', leave: 'hist' } },
          hist: { type: 'history' },
        },
      },
      c: { id: 'odd', always: { guard: 'odd', target: 'a', actions: 'count' }, on: { back: 'b.hist', go: 'b' } },
      p: {
        type: 'parallel',
        on: { back: 'a' },
        states: {
          left: { initial: 'l1', states: { l1: { on: { go: 'l2' } }, l2: { on: { into: 'l1' } } } },
          right: { initial: 'r1', states: { r1: { on: { go: 'r2', count: {} } }, r2: { type: 'final' } } },
        },
      },
      end: { type: 'final' },
    },
  });
}

/** What a machine shows after each event, in order. */
function journey(library: typeof original, events: readonly string[]): unknown {
  const actor = library.createActor(chart(library));
  const seen: unknown[] = [];
  actor.subscribe((snapshot) => {
    const { value, context, status, children, tags } = snapshot;
    const can = ['go', 'back', 'into'].map((type) => snapshot.can({ type }));
    seen.push([value, context, status, Object.keys(children), [...tags], can, actor.getPersistedSnapshot()]);
  });
  actor.start();
  for (const type of events) actor.send({ type });
  actor.stop();
  return JSON.parse(JSON.stringify(seen));
}
