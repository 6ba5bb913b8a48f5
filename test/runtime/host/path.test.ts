/** Paths that the command line names. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { absolutePath } from '../../../runtime/host/path.ts';

describe('absolutePath', () => {
  const cases: [string, string][] = [
    ['', '/w/x'],
    ['.', '/w/x'],
    ['a/./b//c/', '/w/x/a/b/c'],
    ['../../../..', '/'],
    ['/a/../b', '/b'],
  ];
  for (const [path, expected] of cases)
    it(`makes ${expected} of ${JSON.stringify(path)}`, () => {
      assert.equal(absolutePath({ cwd: '/w/x', env: {} }, path), expected);
    });

  it('refuses a relative path where the current directory has been removed', () => {
    const host = { cwd: '/', env: { RUNCHART_CWD_DELETED: '1' } };
    assert.equal(absolutePath(host, '/a'), '/a');
    assert.throws(() => absolutePath(host, 'a'), { message: /^a: the current directory has been removed/ });
  });
});
