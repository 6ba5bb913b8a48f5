/** `checkpoint` and `restore` beside Debian's runc: the same commands, their answers, and what is there afterwards. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { noContainers } from './bundle.ts';
import { type CommandLine, noRunc } from './command-line.ts';
import { counting, countOf, noCriu, provideCriu } from './criu.ts';
import { lives, until } from './lives.ts';

const skip = noContainers || noRunc || noCriu();

describe('checkpoint and restore beside runc', { skip }, () => {
  const host = lives('criu-like');
  const { runchart, runc } = host;
  provideCriu(host.path);
  after(() => host.close());

  /** runc 1.1 does not know version 1.3 of the specification. */
  const config = { ...counting(), ociVersion: '1.0.2' };
  const images = (id: string): string => join(host.path, `${id}.images`);

  async function started(by: CommandLine) {
    const life = by === runc ? host.startRunc(config) : host.start(config);
    await until('it counts', () => countOf(life.bundle) > 2);
    return life;
  }

  /** Kinds of images, without the numbers in their names. */
  const kinds = (folder: string): readonly string[] =>
    [...new Set(readdirSync(folder).map((name) => name.replace(/-\d+/g, '-N')))].toSorted();

  const statusOf = (by: CommandLine, id: string): unknown => {
    const { status, stdout } = by('state', id);
    return status === 0 ? JSON.parse(stdout).status : 'none';
  };

  it('have the same exit statuses, states, and images on a whole way', async () => {
    const seen = [];
    for (const by of [runc, runchart]) {
      const { id, bundle } = await started(by);
      const ways = [];
      const note = (...argv: string[]) => {
        const { status, stdout } = by(...argv);
        ways.push([argv[0], status, stdout, statusOf(by, id)]);
      };
      note('checkpoint', '--leave-running', '--image-path', images(id), id);
      note('checkpoint', '--image-path', images(id), id);
      ways.push(kinds(images(id)));
      ways.push(
        readFileSync(join(images(id), 'descriptors.json'), 'utf8')
          .replaceAll(/[^"/]*\.(?:out|err)"/g, 'FILE"')
          .replaceAll(/\/[^"]*FILE/g, 'FILE'),
      );
      const count = countOf(bundle);
      note('restore', '-d', '-b', bundle, '--image-path', images(id), id);
      await until('it counts again', () => countOf(bundle) > count);
      note('restore', '-d', '-b', bundle, '--image-path', images(id), id);
      note('pause', id);
      note('checkpoint', '--leave-running', '--image-path', images(id), id);
      note('resume', id);
      note('checkpoint', '--parent-path', '/absolute', '--image-path', images(id), id);
      note('checkpoint', '--page-server', 'nowhere', '--image-path', images(id), id);
      note('checkpoint', '--manage-cgroups-mode', 'never', '--image-path', images(id), id);
      note('kill', id, 'KILL');
      await until('it has ended', () => statusOf(by, id) === 'stopped');
      note('checkpoint', '--image-path', images(id), id);
      seen.push(ways);
    }
    assert.deepEqual(seen[1], seen[0]);
  });

  it('restore each other’s images', async () => {
    for (const [from, to] of [
      [runc, runchart],
      [runchart, runc],
    ] as const) {
      const { id, bundle } = await started(from);
      const dumped = from('checkpoint', '--image-path', images(id), id);
      assert.equal(dumped.status, 0, dumped.stderr);
      const count = countOf(bundle);
      const restored = to('restore', '-d', '-b', bundle, '--image-path', images(id), id);
      assert.equal(restored.status, 0, restored.stderr);
      await until('it counts again', () => countOf(bundle) > count);
      assert.equal(statusOf(to, id), 'running');
      assert.equal(to('delete', '--force', id).status, 0);
    }
  });
});
