/** What the runtime throws becomes an error of the library, whose stack is the caller's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EffectError, NotRunningError } from '../../effects/error.ts';
import { ConfigError, ContainerNotFoundError, RunchartError, WrongStateError } from '../../library/errors.ts';
import { openRuntime } from '../../library/index.ts';
import { toldError } from '../../library/telling.ts';
import { RefusedError, RequestError } from '../../runtime/container/answers.ts';
import { missing, StoreError } from '../../runtime/store/error.ts';
import { SpecError } from '../../spec/problem.ts';

const id = 'c1';

function told(error: unknown): RunchartError {
  const one = toldError(error, { id });
  assert.ok(one instanceof RunchartError, String(one));
  assert.equal(one.id, id);
  assert.equal(one.cause, error);
  return one;
}

test('each kind of error has a class and a code', () => {
  const refused = new RefusedError({ outcome: 'refused', message: 'no', request: 'exec', status: 'paused' });
  const kinds: readonly [unknown, name: string, code: string, message: string][] = [
    [missing('/run/runchart', id), 'ContainerNotFoundError', 'NOT_FOUND', 'container c1 does not exist'],
    [new StoreError('exists', 'x'), 'ContainerExistsError', 'EXISTS', 'container c1 exists already'],
    [new StoreError('busy', 'container c1 is busy'), 'ContainerBusyError', 'BUSY', 'container c1 is busy'],
    [
      new StoreError('damaged', 'the state is damaged (delete --force removes what can be found)'),
      'ContainerDamagedError',
      'DAMAGED',
      'the state is damaged (delete with force removes what can be found)',
    ],
    [refused, 'WrongStateError', 'WRONG_STATE', 'cannot exec in container c1: it is paused'],
    [
      new RequestError('container not running', 'kill', new NotRunningError()),
      'WrongStateError',
      'WRONG_STATE',
      'cannot kill container c1: it is stopped',
    ],
    [
      new SpecError('config.json', { path: ['process', 'args', 0], reason: 'must be a string' }),
      'ConfigError',
      'INVALID_CONFIG',
      'config.json: process.args[0]: must be a string',
    ],
    [new EffectError('--parent-path must be relative'), 'OperationError', 'FAILED', 'parentPath must be relative'],
    [new Error('exec: "--root": not found'), 'OperationError', 'FAILED', 'exec: "--root": not found'],
  ];
  for (const [error, name, code, message] of kinds) {
    const one = told(error);
    assert.deepEqual([one.name, one.code, one.message], [name, code, message]);
    assert.equal(one.constructor.name, name);
  }
  const config = told(new SpecError('config.json', { path: ['mounts', 2], reason: 'x' }));
  assert.ok(config instanceof ConfigError && config.field === 'mounts[2]');
  const state = told(refused);
  assert.ok(state instanceof WrongStateError && state.status === 'paused' && state.request === 'exec');
  const gone = new RefusedError({ outcome: 'refused', message: 'no', request: 'start', status: undefined });
  assert.ok(told(gone) instanceof ContainerNotFoundError);
});

test('what is no error of the runtime passes as it is', () => {
  const reason = new Error('enough');
  const { signal } = new AbortController();
  const aborted = AbortSignal.abort(reason);
  assert.equal(toldError(reason, { id, signal: aborted }), reason);
  assert.notEqual(toldError(reason, { id, signal }), reason);
  for (const error of [new TypeError('x'), new DOMException('x', 'AbortError'), 'text', undefined])
    assert.equal(toldError(error, { id }), error);
});

test('the stack begins with the line that called', async () => {
  // In a file of the library.
  const runtime = openRuntime({ root: '/nonexistent/runchart-test' });
  async function callsIt(): Promise<void> {
    await runtime.container('c1').state();
  }
  const error = await callsIt().catch((thrown: unknown) => thrown);
  assert.ok(error instanceof ContainerNotFoundError);
  const [first, second = ''] = (error.stack ?? '').split('\n');
  assert.equal(first, 'ContainerNotFoundError: container c1 does not exist');
  assert.match(second, /callsIt.*telling\.test\.ts/);
  assert.ok(error.cause instanceof StoreError, 'the runtime\u2019s own frames are the cause\u2019s');

  function callsItAtOnce(): string {
    const { id: made } = runtime.container('../x');
    return made;
  }
  assert.throws(callsItAtOnce, (thrown: Error) => /^.*\n.*callsItAtOnce/.test(thrown.stack ?? ''));
});
