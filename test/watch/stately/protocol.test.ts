/** The protocol of Stately's inspector, held to the types and to the code of its package, both ways. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createInspector, type StatelyInspectionEvent } from '@statelyai/inspect';
import { type AnyStateMachine, createActor } from 'xstate';
import { containerMachine } from '../../../machines/container.ts';
import { inspection } from '../../../runtime/telling/inspection.ts';
import { toldRecord } from '../../../runtime/telling/record.ts';
import { lineOf } from '../../../runtime/telling/teller.ts';
import type { Line } from '../../../spec/watch/lines.ts';
import { StatelyHearer } from '../../../watch/stately/hear.ts';
import { STATELY_VERSION, type StatelyMessage } from '../../../watch/stately/protocol.ts';
import { StatelySpeaker } from '../../../watch/stately/speak.ts';
import { aRecord } from '../../effects/hooks/record.ts';

const SECRET = 'SECRET-VALUE';
/** Effects that do nothing, but for one that fails. */
const effects = new Proxy(
  {},
  {
    get: (_, name) => () => {
      if (name === 'makeMounts') throw new Error('mount: EPERM');
      return name === 'makeCgroup'
        ? { layout: 'v2', driver: 'fs', paths: { unified: '/x/y' } }
        : { pid: 7, startTime: '1' };
    },
  },
);

function inputOf() {
  const record = aRecord({});
  const config = { ...record.config, process: { env: [`A=${SECRET}`] }, annotations: { a: SECRET } };
  return {
    record: { ...record, id: 'c1', annotations: { a: SECRET }, config, reached: 'creating', begun: [] },
    effects,
  };
}

/** Lets a creation fail under an inspector. */
async function life(inspect: Parameters<typeof createActor>[1] extends { inspect?: infer I } | undefined ? I : never) {
  const actor = createActor(
    containerMachine as unknown as AnyStateMachine,
    { id: 'c1', input: inputOf(), inspect } as never,
  );
  const done = new Promise((resolve) => {
    actor.subscribe({ next: ({ status }) => status === 'done' && resolve(undefined), error: resolve });
  });
  actor.start();
  actor.send({ type: 'create' });
  await done;
}

/** The lines that a command would tell. */
async function told(withValues = false): Promise<readonly Line[]> {
  const lines: Line[] = [];
  const tell = (bare: Parameters<typeof lineOf>[1]) => void lines.push(lineOf('r', bare));
  const record = toldRecord(withValues);
  await life(inspection(tell, { tell, context: (actor, context) => tell(record(actor, context)) }) as never);
  return lines;
}

describe('speaking', () => {
  test('gives messages of the package’s own types, which tell the life of the machine', async () => {
    const lines = await told();
    const speaker = new StatelySpeaker();
    const messages = lines.flatMap((line) => speaker.messages(line));
    // Whoever hears them takes them for the package's own.
    const taken: readonly StatelyInspectionEvent[] = messages.map(asTheirs);
    assert.ok(taken.every(({ _version, createdAt }) => _version === STATELY_VERSION && Number(createdAt) > 1e12));
    const [first, ...others] = messages;
    assert.ok(first?.type === '@xstate.actor');
    const root = first.sessionId;
    assert.deepEqual([first.name, first.rootId, first.parentId], ['c1', root, undefined]);
    assert.ok(others.every(({ rootId }) => rootId === root));
    const values = messages.flatMap((m) =>
      m.type === '@xstate.snapshot' && m.sessionId === root ? [m.snapshot.value] : [],
    );
    assert.deepEqual([values[0], values.at(-1)], ['absent', 'failed']);
    const mounts = messages.find((m) => m.type === '@xstate.actor' && m.name === 'makeMounts');
    assert.equal(mounts?.type === '@xstate.actor' && mounts.parentId, root);
    const failed = messages.find((m) => m.type === '@xstate.snapshot' && m.sessionId === mounts?.sessionId);
    assert.deepEqual(failed?.type === '@xstate.snapshot' && failed.snapshot, {
      status: 'error',
      error: 'mount: EPERM',
    });
    const definition = JSON.parse(first.definition ?? '');
    assert.deepEqual(Object.keys(definition.states), Object.keys(containerMachine.config.states ?? {}));
    assert.ok(!JSON.stringify(messages).includes(SECRET));
    assert.ok(JSON.stringify(messages).includes('"env":["A"]'));
  });

  test('tells the actors that are there to who comes later', async () => {
    const speaker = new StatelySpeaker();
    for (const line of await told()) speaker.messages(line);
    const [first] = speaker.present;
    assert.equal(first?.type === '@xstate.actor' && first.snapshot.value, 'failed');
  });
});

describe('hearing', () => {
  test('makes the same life of what the package’s inspector sends', async () => {
    const hearer = new StatelyHearer(false, 1);
    const heard: Line[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const inspector = createInspector({
      send: (event) => {
        heard.push(...hearer.lines(JSON.stringify(event)));
        if (heard.some((line) => line.type === 'state' && line.state === 'failed')) resolve();
      },
    });
    await life(inspector.inspect as never);
    await promise;
    const statesOf = (lines: readonly Line[]) => lines.flatMap((line) => (line.type === 'state' ? [line.state] : []));
    assert.deepEqual(statesOf(heard), statesOf(await told()));
    assert.ok(heard.some((line) => line.type === 'actor' && line.src === 'container' && line.id === 'c1'));
    assert.ok(!JSON.stringify(heard).includes(SECRET));
  });

  test('what is no message is nothing', () => {
    const hearer = new StatelyHearer(false, 1);
    for (const text of [
      '',
      '7',
      'null',
      '{}',
      '{"type":"@xstate.actor"}',
      '{"type":"@xstate.event","sessionId":"x","event":7}',
      '{"type":"@xstate.snapshot","sessionId":"x","snapshot":null}',
      '{"type":"@xstate.actor","sessionId":"x","name":"n","createdAt":"1e400","definition":"{"}',
    ])
      assert.deepEqual(
        hearer.lines(text).filter(({ type }) => type !== 'actor'),
        [],
        text,
      );
  });
});

/** Ours are theirs, but for `id`, which their own inspector leaves null though its type says it does not. */
function asTheirs(message: StatelyMessage): StatelyInspectionEvent {
  const { id, ...rest } = message;
  assert.equal(id, null);
  const theirs: { [Key in keyof StatelyInspectionEvent]: unknown } = { ...rest, id: '' };
  return theirs as StatelyInspectionEvent;
}
