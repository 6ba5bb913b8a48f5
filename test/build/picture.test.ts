/** README shows the chart as it is. `UPDATE=1` draws what has changed. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { picture } from '../../build/picture.ts';
import { containerMachine } from '../../machines/container.ts';
import type { Chart } from '../../page/chart/model.ts';

const FILE = new URL('../../docs/lifecycle.svg', import.meta.url);

describe('the picture of the lifecycle', () => {
  it('shows the machine', async () => {
    const current = await picture(containerMachine);
    if (process.env.UPDATE === '1') writeFileSync(FILE, current);
    else assert.equal(readFileSync(FILE, 'utf8'), current, 'the chart has changed: run this test with UPDATE=1');
  });

  it('draws each way once, and none that the chart does not have', async () => {
    const drawn = waysIn(await picture(containerMachine));
    assert.equal(new Set(drawn).size, drawn.length);
    assert.ok(drawn.includes('created running request') && drawn.includes('paused running request'), drawn.join());
    assert.ok(drawn.includes('creating failed failed') && drawn.includes('running stopped observed'), drawn.join());
    const without = waysIn(await picture(withoutStart()));
    assert.deepEqual(
      without,
      drawn.filter((way) => way !== 'created running request'),
    );
  });
});

const waysIn = (svg: string): string[] =>
  [...svg.matchAll(/<path class="way road [^>]*data-way="([^"]*)"/g)].map(([, way = '']) => way).toSorted();

/** The machine's chart, except for `start`. */
function withoutStart(): Chart {
  const copyNode = (node: Chart['root']): Chart['root'] => ({
    key: node.key,
    path: node.path,
    type: node.type,
    entry: node.entry,
    invoke: node.invoke,
    initial: node.initial,
    ...(node.always && { always: node.always }),
    transitions: new Map([...node.transitions].filter(([event]) => event !== 'start')),
    states: Object.fromEntries(Object.entries(node.states).map(([name, inner]) => [name, copyNode(inner)])),
  });
  return { root: copyNode(containerMachine.root) };
}
