import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEnding } from '../../../effects/hooks/ending.ts';
import { hookState, planHooks } from '../../../effects/hooks/plan.ts';
import { aRecord } from './record.ts';

const ENV = ['PATH=/bin', 'A=1'];

test('prestart hooks run before those of createRuntime, each with its own number', () => {
  const hooks = {
    prestart: [{ path: '/a' }, { path: '/b' }],
    createRuntime: [{ path: '/c' }],
    poststop: [{ path: '/d' }],
  };
  assert.deepEqual(
    planHooks({ hooks }, 'createRuntime', ENV).map(({ label, path }) => [label, path]),
    [
      ['prestart hook #0', '/a'],
      ['prestart hook #1', '/b'],
      ['createRuntime hook #0', '/c'],
    ],
  );
  assert.deepEqual(planHooks({ hooks }, 'createContainer', ENV), []);
  assert.deepEqual(planHooks({}, 'poststop', ENV), []);
});

test('argv is the path by default, env the given one by default, and the timeout is in milliseconds', () => {
  const plan = (hook: object) => planHooks({ hooks: { poststart: [{ path: '/a', ...hook }] } }, 'poststart', ENV)[0];
  assert.deepEqual(plan({}), { label: 'poststart hook #0', path: '/a', argv: ['/a'], env: ENV });
  assert.deepEqual(plan({ args: [] })?.argv, ['/a']);
  assert.deepEqual(plan({ args: ['x', '-y'] })?.argv, ['x', '-y']);
  assert.deepEqual(plan({ env: [] })?.env, []);
  assert.deepEqual(plan({ env: ['B=2'] })?.env, ['B=2']);
  assert.equal(plan({ timeout: 3 })?.timeout, 3000);
});

test("the caller's trace goes to hooks that have an environment of their own, but for the container's", () => {
  const trace = 'TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const own = 'TRACEPARENT=00-11111111111111111111111111111111-2222222222222222-00';
  const env = [...ENV, new Uint8Array([84]), trace];
  const plan = (name: 'poststart' | 'startContainer', hook: object) =>
    planHooks({ hooks: { [name]: [{ path: '/a', ...hook }] } }, name, env)[0]?.env;
  assert.deepEqual(plan('poststart', {}), env);
  assert.deepEqual(plan('poststart', { env: ['B=2'] }), ['B=2', trace]);
  assert.deepEqual(plan('poststart', { env: [own] }), [own]);
  assert.deepEqual(plan('startContainer', { env: ['B=2'] }), ['B=2']);
});

test('startContainer hooks get the environment of the process, also where their own is empty', () => {
  const [first, second] = planHooks(
    {
      hooks: {
        startContainer: [
          { path: '/a', env: [] },
          { path: '/a', env: ['B=2'] },
        ],
      },
    },
    'startContainer',
    ENV,
  );
  assert.deepEqual(first?.env, ENV);
  assert.deepEqual(second?.env, ['B=2']);
});

test('each kind is told the status of its moment', () => {
  const record = aRecord({});
  const status = (kind: Parameters<typeof hookState>[1]) => hookState(record, kind, 5).status;
  assert.deepEqual(
    (['createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const).map(status),
    ['creating', 'creating', 'created', 'running', 'stopped'],
  );
  assert.deepEqual(hookState(record, 'poststop', undefined), {
    ociVersion: '1.3.0',
    id: 'c1',
    status: 'stopped',
    bundle: '/b',
  });
  // An older config complies with another version of the specification than the state.
  const older = { ...record, ociVersion: '1.0.2', annotations: { k: 'v' } };
  assert.deepEqual(hookState(older, 'poststart', 7), {
    ociVersion: '1.3.0',
    id: 'c1',
    status: 'running',
    pid: 7,
    bundle: '/b',
    annotations: { k: 'v' },
  });
});

test('an ending is told in Go’s words', () => {
  assert.equal(describeEnding({ how: 'exited', status: 0 }), undefined);
  assert.equal(describeEnding({ how: 'exited', status: 3 }), 'exit status 3');
  assert.equal(describeEnding({ how: 'killed', status: 9 }), 'signal: killed');
  assert.equal(describeEnding({ how: 'dumped', status: 11 }), 'signal: segmentation fault (core dumped)');
  assert.equal(describeEnding({ how: 'killed', status: 28 }), 'signal: SIGWINCH');
  assert.equal(describeEnding({ how: 'killed', status: 40 }), 'signal: signal 40');
});

test('annotations say where the output goes', () => {
  const plan = (annotations: Record<string, string>) =>
    planHooks({ hooks: { poststop: [{ path: '/a' }] }, annotations }, 'poststop', ENV)[0]?.output;
  assert.equal(plan({ 'some.key': 'value' }), undefined);
  assert.deepEqual(plan({ 'run.oci.hooks.stdout': '/out' }), { stdout: '/out' });
  assert.deepEqual(plan({ 'run.oci.hooks.stdout': '/out', 'run.oci.hooks.stderr': '/err' }), {
    stdout: '/out',
    stderr: '/err',
  });
  assert.throws(() => plan({ 'run.oci.hooks.stderr': 'err' }), {
    message: 'annotation run.oci.hooks.stderr: err: the path must be absolute',
  });
  assert.deepEqual(planHooks({ annotations: { 'run.oci.hooks.stderr': 'err' } }, 'poststop', ENV), []);
});
