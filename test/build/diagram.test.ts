/** The documents show the chart as it is. `UPDATE=1` writes what has changed. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { inside, overview } from '../../build/diagram.ts';
import { containerMachine } from '../../machines/container.ts';

/** The files, and the charts in them. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  'architecture.md': ['overview'],
  'lifecycle.md': ['overview', 'creating', 'restoring', 'unwinding', 'running', 'deleting'],
};

/** `<!-- chart: NAME -->`, and the block that follows it. */
const BLOCK = /<!-- chart: (\w+) -->\n```mermaid\n[\s\S]*?```/g;

for (const [name, charts] of Object.entries(FILES)) {
  test(`docs/${name} shows the machine`, () => {
    const file = new URL(`../../docs/${name}`, import.meta.url);
    const text = readFileSync(file, 'utf8');
    const shown: string[] = [];
    const current = text.replace(BLOCK, (_block, chart: string) => {
      shown.push(chart);
      const diagram = chart === 'overview' ? overview(containerMachine) : inside(containerMachine, chart);
      return `<!-- chart: ${chart} -->\n\`\`\`mermaid\n${diagram}\n\`\`\``;
    });
    assert.deepEqual(shown, charts);
    if (process.env.UPDATE === '1') writeFileSync(file, current);
    else assert.equal(text, current, 'the chart has changed: run this test with UPDATE=1');
  });
}
