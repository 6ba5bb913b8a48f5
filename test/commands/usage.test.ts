import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRightCount } from '../../commands/line.ts';
import { COMMANDS } from '../../commands/table.ts';
import { wrongCount } from '../../commands/usage.ts';

const [kill, list, start] = await Promise.all(
  ['kill', 'list', 'start'].map(async (name) => {
    const load = COMMANDS.get(name);
    assert.ok(load);
    return (await load()).default;
  }),
);

describe('a line with too few or too many arguments', () => {
  it('is told from one that is right', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((count) => isRightCount(count, [1, 2])),
      [false, true, true, false],
    );
  });

  it("begins with runc's words, and names what is missing", () => {
    assert.ok(kill && list && start);
    assert.equal(
      wrongCount(start, 0).message,
      'runchart: "start" requires exactly 1 argument: CONTAINER-ID (usage: runchart start [FLAGS] CONTAINER-ID)',
    );
    assert.match(
      wrongCount(kill, 0).message,
      /^runchart: "kill" requires a minimum of 1 argument: CONTAINER-ID \(usage: /,
    );
    assert.match(
      wrongCount(kill, 3).message,
      /^runchart: "kill" requires a maximum of 2 arguments: CONTAINER-ID SIGNAL \(usage: runchart kill /,
    );
    assert.match(wrongCount(list, 1).message, /^runchart: "list" requires exactly 0 arguments \(usage: /);
  });
});
