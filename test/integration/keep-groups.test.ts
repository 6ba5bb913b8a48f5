/** crun's annotation `run.oci.keep_original_groups`: the container's processes have the caller's additional groups. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { noContainers, shellConfig } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { proc } from './containers.ts';
import { lives } from './lives.ts';

const noSetpriv = spawnSync('setpriv', ['--version']).error === undefined ? false : 'setpriv is not installed';

describe('run.oci.keep_original_groups', { skip: noContainers || noSetpriv }, () => {
  const host = lives('groups');
  const { runchart } = host;
  after(() => host.close());

  /** Calls a command as somebody with these groups. Its output is dropped: the container inherits it. */
  function withGroups(...argv: readonly string[]): number | null {
    const by = ['--groups', '4242,4343', '--', RUNCHART, '--root', runchart.root];
    return spawnSync('setpriv', [...by, ...argv], { stdio: 'ignore' }).status;
  }

  const groupsOf = (pid: number): readonly string[] =>
    /^Groups:\t(.*?) *$/m
      .exec(proc(pid, 'status'))?.[1]
      ?.split(' ')
      .filter((group) => group !== '') ?? [];

  /** The groups of the container's process, and those that a process of `exec` prints. */
  function groups(annotation: string | undefined, userNamespace = false) {
    const id = host.idFor(runchart);
    const config = shellConfig('sleep 1000');
    const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    const bundle = host.bundle(id, {
      ...config,
      process: { ...config.process, user: { uid: 1000, gid: 1000, additionalGids: [10] } },
      ...(annotation !== undefined && { annotations: { 'run.oci.keep_original_groups': annotation } }),
      ...(userNamespace && {
        linux: {
          ...config.linux,
          namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' as const }],
          uidMappings: mappings,
          gidMappings: mappings,
        },
      }),
    });
    assert.equal(withGroups('create', '-b', bundle, id), 0);
    // Whoever starts it does not matter.
    assert.equal(runchart('start', id).status, 0);
    const { pid } = JSON.parse(runchart('state', id).stdout);
    const found = groupsOf(pid);
    const inside = spawnSync(
      'setpriv',
      [
        '--groups',
        '5252',
        '--',
        RUNCHART,
        '--root',
        runchart.root,
        'exec',
        id,
        'grep',
        '^Groups:',
        '/proc/self/status',
      ],
      { encoding: 'utf8' },
    );
    assert.equal(inside.status, 0, inside.stderr);
    assert.equal(runchart('delete', '--force', id).status, 0);
    return { found, ofExec: inside.stdout.replace('Groups:', '').trim().split(/\s+/) };
  }

  it('leaves them, instead of those of config.json', () => {
    assert.deepEqual(groups('1'), { found: ['4242', '4343'], ofExec: ['5252'] });
  });

  it('leaves them also in a user namespace, where they have no number', () => {
    assert.deepEqual(groups('1', true), { found: ['4242', '4343'], ofExec: ['65534'] });
  });

  it('does nothing with 0, or if it is not there', () => {
    assert.deepEqual(groups('0'), { found: ['10'], ofExec: ['10'] });
    assert.deepEqual(groups(undefined), { found: ['10'], ofExec: ['10'] });
    assert.deepEqual(groups(undefined, true), { found: ['100010'], ofExec: ['10'] });
  });
});
