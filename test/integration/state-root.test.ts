/**
 * Commands refuse a state root that others could have written to: a state.json names hooks, and they run with the
 * rights of whoever reads it.
 */

import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { commandLine, messageOf, RUNCHART } from './command-line.ts';

const STRANGER = 54_322;
const work = workFolder('state-root');
after(() => work.remove());
const runchart = commandLine(RUNCHART, work.path);
const { root } = runchart;
const id = `runchart-test-${process.pid}-state-root`;
const directory = join(root, id);
const ran = join(work.path, 'ran');
const OTHER = 'or name another root by --root';
const FOREIGN = `it belongs to uid ${STRANGER}, and not to root or to uid 0; run this as its owner, ${OTHER}`;

/** What a stranger may have done to the path, and what commands then say. */
const SPOILED: readonly (readonly [title: string, spoil: () => void, path: string, why: string])[] = [
  [
    'a state root that all may write to',
    () => chmodSync(root, 0o777),
    root,
    `cannot use the state root ${root}: others may write to it (mode 0777); chmod go-w ${root}, ${OTHER}`,
  ],
  [
    'a state root that a group may write to',
    () => chmodSync(root, 0o770),
    root,
    `cannot use the state root ${root}: others may write to it (mode 0770); chmod go-w ${root}, ${OTHER}`,
  ],
  [
    'a state root of somebody else’s',
    () => chownSync(root, STRANGER, STRANGER),
    root,
    `cannot use the state root ${root}: ${FOREIGN}`,
  ],
  [
    'a container’s directory that all may write to',
    () => chmodSync(directory, 0o713),
    directory,
    `cannot use the state directory ${directory}: ` +
      `others may write to it (mode 0713); chmod go-w ${directory}, ${OTHER}`,
  ],
  [
    'a container’s sticky directory that all may write to',
    () => chmodSync(directory, 0o1777),
    directory,
    `cannot use the state directory ${directory}: ` +
      `others may write to it (mode 1777); chmod go-w ${directory}, ${OTHER}`,
  ],
  [
    'a directory that somebody else has made in a sticky state root',
    () => {
      chmodSync(root, 0o1777);
      chownSync(directory, STRANGER, STRANGER);
    },
    directory,
    `cannot use the state directory ${directory}: ${FOREIGN}`,
  ],
  [
    'a container’s directory of somebody else’s',
    () => chownSync(directory, STRANGER, STRANGER),
    directory,
    `cannot use the state directory ${directory}: ${FOREIGN}`,
  ],
];

const COMMANDS = [
  ['state', id],
  ['start', id],
  ['kill', id],
  ['exec', id, 'true'],
  ['delete', '--force', id],
] as const;

suite('all commands refuse', { skip: noContainers }, () => {
  const config = shellConfig('sleep 1000');
  const hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', `echo ran > ${ran}`] }] };
  const bundle = join(work.path, 'bundle');

  for (const [title, spoil, path, why] of SPOILED)
    test(title, () => {
      makeBundle(bundle, { ...config, hooks });
      assert.equal(runchart('create', '--bundle', bundle, id).stderr, '');
      try {
        spoil();
        for (const [command, ...words] of COMMANDS)
          assert.ok(messageOf(runchart(command, ...words)).endsWith(why), command);
        if (path === root) {
          assert.ok(messageOf(runchart('create', '--bundle', bundle, `${id}-2`)).endsWith(why));
          assert.ok(messageOf(runchart('list')).endsWith(why));
        }
        assert.equal(existsSync(ran), false, 'none of its hooks ran');
      } finally {
        chownSync(path, 0, 0);
        chmodSync(path, 0o711);
        assert.equal(runchart('delete', '--force', id).stderr, '');
        rmSync(bundle, { recursive: true });
      }
      assert.ok(existsSync(ran), 'a hook runs where nobody else may write');
      rmSync(ran);
    });

  test('no state root that others may only read, or whose sticky bit keeps them off our directories', () => {
    makeBundle(bundle, config);
    for (const mode of [0o700, 0o711, 0o755, 0o1777]) {
      rmSync(root, { recursive: true, force: true });
      mkdirSync(root);
      chmodSync(root, mode);
      assert.deepEqual(runchart('create', '--bundle', bundle, id), { status: 0, stdout: '', stderr: '' });
      assert.deepEqual(runchart('delete', '--force', id), { status: 0, stdout: '', stderr: '' });
    }
  });
});
