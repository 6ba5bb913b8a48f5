/** What is told of a failure, and in which words. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExplainedError } from '../../../effects/causes/cause.ts';
import { EffectError } from '../../../effects/error.ts';
import { openat } from '../../../native/calls/files.ts';
import { SyscallError } from '../../../native/kernel/perform.ts';
import { failureIn } from '../../../runtime/failure/from-trace.ts';
import { storyOf, withCause } from '../../../runtime/failure/story.ts';
import { told, toldBriefly } from '../../../runtime/failure/told.ts';
import { SpecError } from '../../../spec/problem.ts';

const failed = new EffectError('bind /x on /y: ENOENT', { cause: new SyscallError(openat(-100, '/x', 0), 2) });

describe('the story of an error', () => {
  it('has its facts, its cause and what to do', () => {
    const error = new ExplainedError(failed, { why: '/x is missing', advice: 'Make it', path: '/x' });
    assert.equal(error.message, failed.message);
    assert.deepEqual(storyOf(new EffectError('start', { cause: error })), {
      syscall: 'openat',
      errno: 'ENOENT',
      path: '/x',
      cause: '/x is missing',
      advice: 'Make it',
      hint: '/x is missing. Make it',
    });
    assert.deepEqual(storyOf(failed), { syscall: 'openat', errno: 'ENOENT', path: '/x' });
    assert.deepEqual(storyOf('no error'), {});
  });

  it('of a config says where it is wrong', () => {
    const story = storyOf(new SpecError('config.json', { path: ['process', 'cwd'], reason: 'must be a string' }));
    assert.deepEqual([story.phase, story.advice], ['config', 'Correct process.cwd in config.json']);
    assert.equal(
      withCause('config.json: process.cwd: must be a string', story),
      'config.json: process.cwd: must be a string',
    );
  });

  it('adds no words to the line that an engine decides by', () => {
    const line = 'exec /bin/x: exec format error';
    assert.equal(withCause(line, { cause: 'it is empty' }), `${line} (it is empty)`);
    for (const words of ['Permission denied', 'no such file or directory', 'executable file not found in $PATH'])
      assert.equal(withCause(line, { cause: `/${words}/x is missing` }), line);
    assert.equal(withCause(`${line}: permission denied`, { cause: 'x: permission denied' }).includes(' ('), true);
    assert.equal(withCause(line, { cause: 'it is empty', isSaid: true }), line);
    assert.equal(withCause(line, {}), line);
  });
});

const kept = { id: 'c1', command: 'create', time: '2026-11-30T10:00:00Z', message: 'mount: EPERM' };
const NOW = Date.parse('2026-11-30T10:03:10Z');

describe('what explain shows', () => {
  it('is one line for each fact, with what was done before', () => {
    const text = told(
      { ...kept, phase: 'mounts', syscall: 'fsopen', errno: 'EPERM', cause: 'because', advice: 'Do it' },
      NOW,
    );
    assert.equal(
      text,
      [
        'container c1: create failed 3 minutes ago (2026-11-30T10:00:00Z)',
        '  error       mount: EPERM',
        '  phase       mounts (done before: cgroup, namespaces)',
        '  call        fsopen answered EPERM: operation not permitted',
        '  cause       because',
        '  what to do  Do it.',
        '',
      ].join('\n'),
    );
  });

  it('lets nothing of it reach the terminal as more than text', () => {
    const text = told({ ...kept, message: 'a\n\u001b[2Jb\u009b', path: '/\u202eevil' }, NOW);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
    assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\u009f\u202e]/);
    assert.match(text, /error {7}a; \\x1b\[2Jb\\x9b\n/);
    assert.equal(toldBriefly([{ ...kept, message: 'a\nb' }]).split('\n').length, 2);
  });
});

describe('a trace', () => {
  const line = (value: object) => `${JSON.stringify({ run: 'r1', at: 1_796_032_800, ...value })}\n`;
  const trace =
    line({ type: 'command', command: 'run', id: 'c1' }) +
    line({ type: 'state', id: 'c1', state: 'creating.mounts' }) +
    line({ type: 'call', who: 'init', call: 'openat2', args: [5, '/data', '{}'], result: -1, errno: 'ENOENT' }) +
    line({ type: 'call', who: 'init', call: 'open_tree', args: [-100, '/no/such'], result: -1, errno: 'ENOENT' }) +
    line({ type: 'failure', id: 'c1', during: 'mounts', message: 'bind: ENOENT', code: 'ENOENT' }) +
    line({ type: 'call', who: 'runtime', call: 'rmdir', args: ['/x'], result: -1, errno: 'EBUSY' }) +
    line({ type: 'end', status: 1, error: 'run failed: bind: ENOENT' });

  it('tells the phase, and the call that failed last before the failure', () => {
    assert.deepEqual(failureIn(trace), {
      id: 'c1',
      command: 'run',
      time: '2026-11-30T10:00:00Z',
      message: 'run failed: bind: ENOENT',
      phase: 'mounts',
      syscall: 'open_tree',
      errno: 'ENOENT',
      path: '/no/such',
    });
  });

  it('tells what the command itself knew of its failure, and of the last of several commands', () => {
    const other = trace
      .replaceAll('"r1"', '"r2"')
      .replace('"status":1', '"status":1,"failure":{"cause":"why","path":"/p"}');
    const found = failureIn(trace + other.replace('"c1"', '"c2"'));
    assert.deepEqual([found?.id, found?.cause, found?.path], ['c2', 'why', '/p']);
  });

  it('without a failure, cut off, or of something else', () => {
    assert.equal(failureIn(line({ type: 'command', command: 'run', id: 'c1' })), undefined);
    assert.equal(failureIn(`${trace.slice(0, -20)}`)?.phase, 'mounts');
    assert.throws(() => failureIn('hello\n[]\n{"a":1}\n'), /no line of a trace/);
    const odd =
      line({ type: 'end', error: 'x', at: 'never', failure: 7 }) + line({ type: 'failure', during: 3, code: {} });
    assert.doesNotThrow(() => failureIn(odd));
  });
});
