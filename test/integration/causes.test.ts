/** Each fault is told with its cause: in the error's line, in the JSON log, and by `explain`. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { noContainers, workFolder } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { FAULTS } from './errors/faults.ts';
import { placeBusybox, tryFault } from './errors/try.ts';
import { remains } from './nothing-left.ts';

const work = workFolder('causes');
const prefix = `runchart-test-${process.pid}-causes`;
if (!noContainers) placeBusybox(work.path);

after(() => {
  assert.deepEqual(remains(prefix, work.path), []);
  work.remove();
});

function explain(...args: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(RUNCHART, ['--root', join(work.path, 'root'), 'explain', ...args], {
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

describe('what is told of a fault', { skip: noContainers }, () => {
  for (const [index, fault] of FAULTS.entries()) {
    test(fault.title, { skip: fault.skip ?? false }, () => {
      const id = `${prefix}-${index}`;
      tryFault(RUNCHART, work.path, id, fault, ({ status, message, line, bundle }) => {
        assert.notEqual(status, 0);
        assert.match(message, fault.says);
        assert.doesNotMatch(message, /\n|undefined|\[object/);
        for (const [name, value] of Object.entries(fault.facts)) {
          if (value instanceof RegExp) assert.match(String(line[name]), value, name);
          else assert.equal(line[name], value, name);
        }
        const { status: explained, text } = explain(id);
        assert.equal(explained, 0, text);
        assert.match(text, /^container \S+: run failed \d+ seconds? ago \(\S+\)\n( {2}\S.*\n)+$/);
        assert.match(text, new RegExp(`^  bundle +${bundle}$`, 'm'));
        assert.match(/^ {2}what to do +(.*)$/m.exec(text)?.[1] ?? '', fault.advice);
        const asJson = JSON.parse(explain('--json', id).text);
        assert.equal(asJson.phase, line.phase);
        assert.ok(String(line.hint ?? asJson.advice).includes(asJson.advice));
      });
    });
  }

  test('the last twenty are kept, for the owner alone, and no command leaves more', () => {
    const { text } = explain();
    assert.equal(text.trimEnd().split('\n').length, Math.min(20, FAULTS.filter(({ skip }) => !skip).length));
    const left = readdirSync(join(work.path, 'root')).filter((name) => name !== '@seccomp');
    assert.deepEqual(left, ['@failures.jsonl']);
  });

  test('of what is not known it says so', () => {
    const { status, text } = explain(`${prefix}-none`);
    assert.equal(status, 1);
    assert.match(text, /no failure of container \S+-none is known in \//);
    assert.equal(existsSync(join(work.path, 'root')), true);
  });
});
