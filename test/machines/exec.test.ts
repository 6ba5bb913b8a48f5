import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createActor } from 'xstate';
import { type ExecEffects, execMachine, settled } from '../../machines/exec.ts';

const failing = (message: string) => () => {
  throw new Error(message);
};

function begin(effects: Partial<ExecEffects> = {}) {
  const calls: string[] = [];
  const noted = (name: keyof ExecEffects, action: () => unknown) => () => {
    calls.push(name);
    return action();
  };
  const machine = execMachine({
    join: noted('join', effects.join ?? (() => 7)) as ExecEffects['join'],
    execute: noted('execute', effects.execute ?? (() => undefined)) as ExecEffects['execute'],
    end: noted('end', effects.end ?? (() => undefined)) as ExecEffects['end'],
  });
  const actor = createActor(machine);
  const values: unknown[] = [];
  actor.subscribe((snapshot) => values.push(snapshot.value));
  actor.start();
  return { actor, calls, values };
}

describe('a process of exec', () => {
  it('joins, executes, runs, and exits', async () => {
    const { actor, calls, values } = begin();
    assert.deepEqual(await settled(actor), { pid: 7 });
    assert.equal(actor.getSnapshot().value, 'running');
    actor.send({ type: 'exited', status: 130 });
    assert.deepEqual(actor.getSnapshot().context, { pid: 7, status: 130 });
    assert.deepEqual(values, ['joining', 'executing', 'running', 'exited']);
    assert.deepEqual(calls, ['join', 'execute']);
  });

  it('that cannot join leaves nothing to end', async () => {
    const { actor, calls } = begin({ join: failing('no') });
    assert.match(String((await settled(actor)).error), /no/);
    assert.deepEqual([actor.getSnapshot().value, calls], ['failed', ['join']]);
  });

  it('that cannot execute is ended, and the first error is told', async () => {
    const { actor, calls, values } = begin({ execute: failing('first'), end: failing('second') });
    assert.match(String((await settled(actor)).error), /first/);
    assert.deepEqual(calls, ['join', 'execute', 'end']);
    assert.deepEqual(values, ['joining', 'executing', 'ending', 'failed']);
  });

  it('exits only while it runs', async () => {
    const { actor } = begin({ join: failing('no') });
    await settled(actor);
    actor.send({ type: 'exited', status: 1 });
    assert.equal(actor.getSnapshot().value, 'failed');
  });
});
