/** What an ordinary user is told of what is not mapped, and not delegated, to him. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Config } from '../../spec/types.ts';
import { makeBundle, shellConfig, workFolder } from './bundle.ts';
import { messageOf } from './command-line.ts';
import { noMappingTool, noOrdinaryUser, ordinaryUser, SUBORDINATE, USER } from './ordinary-user.ts';

const work = workFolder('causes-rootless');
after(() => work.remove());
const user = noOrdinaryUser() ? undefined : ordinaryUser(work.path, { subordinate: true });

/** @returns the error of a container of the user's, and the story of it */
function failureOf(
  name: string,
  change: (config: Config) => Config,
): { readonly message: string; readonly story: string } {
  assert.ok(user);
  const id = `runchart-test-${process.pid}-${name}`;
  const bundle = makeBundle(join(work.path, name), change(shellConfig('true')));
  execFileSync('chown', ['-R', `${USER}:${USER}`, bundle]);
  user.own();
  try {
    const ended = user.run(['run', '--bundle', bundle, id]);
    assert.equal(ended.status, 1);
    const { status, stdout } = user.run(['explain', id]);
    assert.equal(status, 0);
    return { message: messageOf(ended), story: stdout };
  } finally {
    user.run(['delete', '--force', id]);
    rmSync(bundle, { recursive: true });
  }
}

/** As `spec --rootless`, with the user's own id as root. */
const rootless =
  (more: Partial<NonNullable<Config['linux']>>) =>
  (config: Config): Config => {
    const linux = config.linux ?? {};
    const namespaces = [...(linux.namespaces ?? []), { type: 'user' as const }];
    const own = [{ containerID: 0, hostID: USER, size: 1 }];
    const { resources: _, ...others } = linux;
    return { ...config, linux: { ...others, namespaces, uidMappings: own, gidMappings: own, ...more } };
  };

suite('an ordinary user is told', { skip: noOrdinaryUser() }, () => {
  test('that he needs a user namespace', () => {
    const { message, story } = failureOf('plain', (config) => config);
    assert.match(message, new RegExp(`EPERM: .* \\(uid ${USER} may make no namespaces without a user namespace\\)$`));
    assert.match(story, /what to do {2}Run it as root, or add \{ "type": "user" \} to linux\.namespaces/);
  });

  test('which ids he was granted', { skip: noMappingTool }, () => {
    const mappings = [
      { containerID: 0, hostID: USER, size: 1 },
      { containerID: 1, hostID: SUBORDINATE, size: 5000 },
    ];
    const { message, story } = failureOf('ids', rootless({ uidMappings: mappings }));
    assert.match(message, new RegExp(`\\(/etc/subuid grants user tester 1000 from ${SUBORDINATE} on\\)$`));
    assert.match(story, /^ {2}path +\/etc\/subuid$/m);
  });

  const noLegacy = !existsSync('/sys/fs/cgroup/memory') && 'cgroup v2 here';
  test('whose cgroup it is that he may not write to', { skip: noLegacy }, () => {
    const { message } = failureOf('cgroup', rootless({ cgroupsPath: '/runchart-test-not-his/own' }));
    const { uid } = statSync('/sys/fs/cgroup/memory');
    assert.match(
      message,
      new RegExp(`belongs to uid ${uid}, and this is uid ${USER}: no cgroup is delegated to it\\)$`),
    );
  });

  test('which file system he may not mount', () => {
    const data = { destination: '/data', type: 'ext4', source: '/dev/null' };
    const { message } = failureOf('mount', (config) => rootless({})({ ...config, mounts: [data] }));
    assert.match(message, /mount ext4 on \/data: EPERM: .*\(the kernel lets no user namespace mount ext4\)$/);
  });
});
