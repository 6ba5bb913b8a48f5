/** The default state root. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultRoot } from '../../../runtime/host/host.ts';

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
