import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeLazy } from '../../build/lazy-xstate.ts';

const dist = join(import.meta.dirname, '../../node_modules/xstate/dist');
const [module = ''] = globSync('StateMachine-*.esm.js', { cwd: dist, exclude: (name) => name.includes('development') });

test('a machine behaves the same, and formats only the transitions that it is asked for', async () => {
  const folder = mkdtempSync(join(dist, '../runchart-test-'));
  try {
    // Beside XState's other modules, so that its relative imports are found.
    const changed = makeLazy(readFileSync(join(dist, module), 'utf8')).replaceAll(`from './`, `from '../dist/`);
    writeFileSync(join(folder, 'StateMachine.mjs'), changed);
    const { S: StateMachine } = await import(join(folder, 'StateMachine.mjs'));
    const machine = new StateMachine(
      { id: 'm', initial: 'a', states: { a: { on: { go: 'b' } }, b: { on: { back: '#m.a' } } } },
      {},
    );
    const { a, b } = machine.states;
    const formatted = (node: object) => Object.getOwnPropertyDescriptor(node, 'transitions')?.get === undefined;
    assert.deepEqual([formatted(a), formatted(b)], [false, false]);
    assert.equal(a.transitions.get('go')[0].target[0], b);
    assert.deepEqual([formatted(a), formatted(b)], [true, false]);
    assert.equal(a.transitions, a.transitions);
    assert.deepEqual(machine.events.toSorted(), ['back', 'go']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an XState that looks different is refused', () => {
  assert.throws(() => makeLazy('class StateMachine {}'), /no `this\.transitions = formatTransitions\(this\);` found/);
});
