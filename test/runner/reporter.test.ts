import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { signOf } from './reporter.ts';

describe('a sign of life', () => {
  const file = `${process.cwd()}/test/a.test.ts`;

  it('of a whole file has no name', () => {
    assert.deepEqual(signOf('test:dequeue', { name: 'test/a.test.ts', nesting: 0, file }), {
      kind: 'sign',
      file,
      name: '',
      ended: false,
    });
  });

  it('is of the test file, even if the test is written in another one', () => {
    const written = { name: 'x', nesting: 0, file: '/repo/test/scenario.ts', entryFile: file };
    assert.deepEqual(signOf('test:complete', written), { kind: 'sign', file, name: 'x', ended: true });
  });
});
