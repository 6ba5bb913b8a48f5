/** docs/lifecycle.md shows the chart as it is: `UPDATE=1` writes what has changed. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { actorsOf } from '../../machines/actors.ts';
import { containerMachine } from '../../machines/container.ts';
import { inside, overview } from '../../machines/diagram.ts';
import { World } from './world.ts';

const FILE = new URL('../../docs/lifecycle.md', import.meta.url);

/** `<!-- chart: NAME -->`, and the block that follows it. */
const BLOCK = /<!-- chart: (\w+) -->\n```mermaid\n[\s\S]*?```/g;

test('docs/lifecycle.md shows the machine', () => {
  const machine = containerMachine(actorsOf(new World().effects));
  const text = readFileSync(FILE, 'utf8');
  const shown: string[] = [];
  const current = text.replace(BLOCK, (_block, name: string) => {
    shown.push(name);
    const diagram = name === 'overview' ? overview(machine) : inside(machine, name);
    return `<!-- chart: ${name} -->\n\`\`\`mermaid\n${diagram}\n\`\`\``;
  });
  assert.deepEqual(shown, ['overview', 'creating', 'restoring', 'unwinding', 'running', 'deleting']);
  if (process.env.UPDATE === '1') writeFileSync(FILE, current);
  else assert.equal(text, current, 'the chart has changed: run this test with UPDATE=1');
});
