import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { install } from '../../build/array-methods.ts';

const WITH_ACTION = ['forEach', 'map', 'filter', 'flatMap', 'some', 'every', 'find', 'findIndex', 'findLast'] as const;
const ALL = [...WITH_ACTION, 'reduce', 'flat', 'at'] as const;
type Method = (typeof ALL)[number];

/** The engine's own, and ours beside them: all that a call comes to, what it called with what included. */
const OWN = Array.prototype;
const OURS = prototypeWith(install);

function prototypeWith(change: (prototype: unknown[]) => void): unknown[] {
  const prototype: unknown[] = Object.create(OWN);
  for (const name of ALL)
    Object.defineProperty(prototype, name, { value: OWN[name], writable: true, configurable: true, enumerable: false });
  change(prototype);
  return prototype;
}

function outcome(prototype: unknown[], name: Method, on: unknown, args: readonly unknown[]): unknown {
  try {
    const method: unknown = Reflect.get(prototype, name);
    assert.ok(typeof method === 'function');
    return { value: Reflect.apply(method, on, args) };
  } catch (error) {
    return { thrown: error instanceof Error ? error.name : error };
  }
}

/** Answers by a script, notes how it is called, and may change the array under way. */
function scripted(answers: readonly unknown[], change?: (array: unknown[]) => void) {
  const calls: unknown[] = [];
  function action(this: unknown, ...args: unknown[]): unknown {
    const array = args.at(-1);
    calls.push([this, ...args.slice(0, -1), Array.isArray(array) ? [...array] : array]);
    if (calls.length === 2 && Array.isArray(array)) change?.(array);
    return answers[(calls.length - 1) % answers.length];
  }
  return { calls, action };
}

const value = fc.oneof(fc.integer(), fc.constant(undefined), fc.string(), fc.array(fc.integer(), { maxLength: 3 }));
const array = fc.oneof(fc.array(value, { maxLength: 6 }), fc.sparseArray(value, { maxLength: 6 }));
const CHANGES = [
  (a: unknown[]) => void a.push('new'),
  (a: unknown[]) => void a.pop(),
  (a: unknown[]) => void a.reverse(),
];

describe('the methods of arrays that the engine gets', () => {
  it('come to the same, for any array', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...WITH_ACTION, 'reduce' as const),
        array,
        fc.array(fc.oneof(fc.boolean(), array), { minLength: 1, maxLength: 4 }),
        fc.option(fc.constantFrom(...CHANGES), { nil: undefined }),
        fc.oneof(fc.constant([]), fc.constant([undefined]), fc.constant([{ of: 'this' }])),
        (name, elements, answers, change, more) => {
          const [theirs, ours] = [OWN, OURS].map((prototype) => {
            const on = elements.slice();
            const { calls, action } = scripted(answers, change);
            return { ...Object(outcome(prototype, name, on, [action, ...more])), on, calls };
          });
          assert.deepEqual(ours, theirs);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('flatten, and find by place', () => {
    fc.assert(
      fc.property(array, fc.option(fc.oneof(fc.integer(), fc.double(), fc.string()), { nil: undefined }), (on, n) => {
        for (const name of ['flat', 'at'] as const)
          for (const args of [[], [n]]) assert.deepEqual(outcome(OURS, name, on, args), outcome(OWN, name, on, args));
      }),
    );
  });

  it('leave to the engine what is no plain array, and what is no function', () => {
    class Own extends Array<unknown> {}
    const foreign: unknown = runInNewContext('[1, [2], 3]');
    for (const name of ALL)
      for (const on of [
        Own.from([1, [2], 3]),
        foreign,
        { length: 2, 0: 'a', 1: 'b' },
        'ab',
        null,
        new Uint8Array([1, 2]),
      ])
        for (const args of [[() => [true]], [() => [true], 7], [], ['no function'], [null, 1]]) {
          const [theirs, ours] = [OWN, OURS].map((prototype) => outcome(prototype, name, on, args));
          assert.deepEqual(ours, theirs, name);
        }
  });

  it('are as hidden as those that they replace, and are used', () => {
    assert.deepEqual(Object.keys(OURS), []);
    for (const name of ALL) assert.notEqual(OURS[name], OWN[name], name);
  });
});
