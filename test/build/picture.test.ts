/** README shows the chart as it is. `UPDATE=1` draws what has changed. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Chart } from '../../build/diagram.ts';
import { picture } from '../../build/picture.ts';
import { containerMachine } from '../../machines/container.ts';

const FILE = new URL('../../docs/lifecycle.svg', import.meta.url);
const machine = containerMachine;

describe('the picture of the lifecycle', () => {
  it('shows the machine', () => {
    const current = picture(machine);
    if (process.env.UPDATE === '1') writeFileSync(FILE, current);
    else assert.equal(readFileSync(FILE, 'utf8'), current, 'the chart has changed: run this test with UPDATE=1');
  });

  it('is not drawn of a chart that leads elsewhere', () => {
    assert.throws(() => picture(without('start')), /does not lead from created running/);
    assert.throws(() => picture(without('resume')), /does not lead from paused running/);
  });

  it('is not drawn of a chart with a way that it has no place for', () => {
    const { stopped, created } = machine.root.states;
    const [start] = created?.states.idle?.transitions.get('start') ?? [];
    assert.ok(stopped && start);
    const chart = altered('stopped', (transitions) => transitions.set('start', [start]));
    assert.throws(() => picture(chart), /has no place for start, from stopped to running/);
  });
});

type Transitions = Map<string, NonNullable<ReturnType<Chart['root']['transitions']['get']>>>;

/** The machine's chart, except for what one event does. */
function without(event: string): Chart {
  return copy(machine.root, (_, transitions) => transitions.delete(event));
}

function altered(state: string, change: (transitions: Transitions) => void): Chart {
  return copy(machine.root, (path, transitions) => {
    if (path === `${state}.idle`) change(transitions);
  });
}

function copy(root: Chart['root'], change: (path: string, transitions: Transitions) => void): Chart {
  const copyNode = (node: Chart['root']): Chart['root'] => {
    const transitions: Transitions = new Map(node.transitions);
    change(node.path.join('.'), transitions);
    return {
      key: node.key,
      path: node.path,
      type: node.type,
      entry: node.entry,
      invoke: node.invoke,
      initial: node.initial,
      ...(node.always && { always: node.always }),
      transitions,
      states: Object.fromEntries(Object.entries(node.states).map(([name, inner]) => [name, copyNode(inner)])),
    };
  };
  return { root: copyNode(root) };
}
