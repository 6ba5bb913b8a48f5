/**
 * The state root takes no more writes. What a command did in the kernel stays done, and the next command learns it from
 * the kernel.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { lives, resting } from './lives.ts';
import { containersIn } from './nothing-left.ts';

interface Way {
  readonly reason: RegExp;
  block(root: string): void;
  unblock(root: string): void;
}

const filler = (root: string) => join(root, 'filler');

const remount = (root: string, how: string) => execFileSync('mount', ['-o', `remount,${how}`, root]);

const WAYS: Readonly<Record<string, Way>> = {
  full: {
    reason: /ENOSPC/,
    block(root) {
      const page = Buffer.alloc(4096);
      assert.throws(
        () => {
          for (;;) appendFileSync(filler(root), page);
        },
        { code: 'ENOSPC' },
      );
    },
    unblock: (root) => rmSync(filler(root)),
  },
  'read-only': {
    reason: /EROFS/,
    block: (root) => remount(root, 'ro'),
    unblock: (root) => remount(root, 'rw'),
  },
};

describe('a state root that takes no more writes', { skip: noContainers }, () => {
  for (const [name, { reason, block, unblock }] of Object.entries(WAYS))
    it(`${name}: start, pause, resume and update succeed, with a warning`, async () => {
      const host = lives(`root-${name}`);
      const { runchart } = host;
      const { root } = runchart;
      mkdirSync(root);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', root]);
      try {
        const id = host.idFor(runchart);
        const bundle = host.bundle(id, resting());
        assert.equal(runchart('create', '-b', bundle, id).status, 0);
        const state = () => JSON.parse(runchart('state', id).stdout);
        const written = () =>
          Object.keys(JSON.parse(readFileSync(join(root, id, 'state.json'), 'utf8')).snapshot.value);
        const { pid } = state();
        const program = () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0];

        const warned = (...argv: string[]) => {
          const { status, stdout, stderr } = runchart(...argv);
          assert.deepEqual([status, stdout], [0, ''], stderr);
          assert.match(stderr, /^[^\n]*level=warning[^\n]*saving the state: [^\n]*\n$/);
          assert.match(stderr, reason);
        };
        const quiet = (...argv: string[]) => assert.deepEqual(runchart(...argv), { status: 0, stdout: '', stderr: '' });

        block(root);
        warned('start', id);
        assert.deepEqual([program(), state().status, written()], ['sleep', 'running', ['created']]);
        warned('pause', id);
        assert.equal(state().status, 'paused');
        warned('resume', id);
        assert.equal(state().status, 'running');
        warned('update', '--pids-limit', '77', id);
        quiet('exec', id, 'true');
        quiet('kill', id, '0');

        // A new container is not made.
        const other = host.idFor(runchart);
        const failed = runchart('create', '-b', bundle, other);
        assert.equal(failed.status, 1);
        assert.match(failed.stderr, reason);
        assert.deepEqual(
          containersIn(root).filter((entry) => entry !== 'filler'),
          [id],
        );

        // It is paused after a start that could not be written down. `resume` makes it running again, and not created.
        warned('pause', id);
        unblock(root);
        quiet('resume', id);
        assert.deepEqual([state().status, written()], ['running', ['running']]);
        assert.deepEqual(
          readdirSync(join(root, id)).filter((entry) => entry.startsWith('.')),
          [],
        );
        quiet('delete', '--force', id);
      } finally {
        if (readdirSync(root).includes('filler')) unblock(root);
        else remount(root, 'rw');
        for (const id of containersIn(root)) runchart('delete', '--force', id);
        execFileSync('umount', [root]);
        await host.close();
      }
    });
});
