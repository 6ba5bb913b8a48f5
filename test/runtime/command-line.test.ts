/** Small parts of the command line: paths, the default root, signals, times, names of users. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rfc3339 } from '../../runtime/host/clock.ts';
import { defaultRoot } from '../../runtime/host/host.ts';
import { absolutePath } from '../../runtime/host/path.ts';
import { namesIn } from '../../runtime/host/users.ts';
import { parseSignal } from '../../runtime/operations/signal.ts';

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

describe('defaultRoot', () => {
  const cases: [env: Record<string, string>, uid: number, inUserNamespace: boolean, root: string][] = [
    [{}, 1000, false, '/run/runchart'],
    [{ XDG_RUNTIME_DIR: '' }, 1000, false, '/run/runchart'],
    [{ XDG_RUNTIME_DIR: '/x' }, 1000, false, '/x/runchart'],
    [{ XDG_RUNTIME_DIR: '/x' }, 0, false, '/run/runchart'],
    // Under podman unshare and rootlesskit an ordinary user is uid 0.
    [{ XDG_RUNTIME_DIR: '/x' }, 0, true, '/x/runchart'],
    [{ XDG_RUNTIME_DIR: '/x', USER: 'ann' }, 0, true, '/x/runchart'],
    [{ XDG_RUNTIME_DIR: '/x', USER: 'root' }, 0, true, '/run/runchart'],
  ];
  for (const [env, uid, inUserNamespace, root] of cases)
    it(`is ${root} for ${uid}${inUserNamespace ? ' in a user namespace' : ''} with ${JSON.stringify(env)}`, () => {
      assert.equal(defaultRoot({ env, uid }, inUserNamespace), root);
    });
});

describe('parseSignal', () => {
  it('takes names with and without SIG in any case, and numbers', () => {
    assert.deepEqual(['KILL', 'SIGKILL', 'sigkill', 'Kill', '9', '0', '-1'].map(parseSignal), [9, 9, 9, 9, 9, 0, -1]);
  });

  it("refuses others in runc's words", () => {
    for (const text of ['X', '', '9x', 'constructor'])
      assert.throws(() => parseSignal(text), { message: `unknown signal ${JSON.stringify(text)}` });
  });
});

describe('rfc3339', () => {
  it('drops trailing zeros, as Go does', () => {
    assert.equal(rfc3339(1795509085, 260_278_440), '2026-11-24T08:31:25.26027844Z');
    assert.equal(rfc3339(0, 1), '1970-01-01T00:00:00.000000001Z');
    assert.equal(rfc3339(0, 0), '1970-01-01T00:00:00Z');
  });
});

it('the first entry of a uid in passwd counts', () => {
  const names = namesIn('root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n# x\na:x:1000:1000::/:/bin/sh\n');
  assert.deepEqual([names.get('0'), names.get('1000'), names.get('7')], ['root', 'a', undefined]);
});
