/**
 * A command does not load what it does not need. The test follows the imports of the sources, since what is not loaded
 * leaves no trace.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { importsOf, onlyTypes } from '../../build/check-imports.ts';

const root = join(import.meta.dirname, '../..');

/** The files that are loaded with a file, including itself, as paths from the root of the repository. */
function loadedWith(file: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded;
  loaded.add(file);
  for (const { what, from, later } of importsOf(readFileSync(join(root, file), 'utf8')))
    if (!later && from.startsWith('.') && from.endsWith('.ts') && !onlyTypes(what))
      loadedWith(normalize(join(dirname(file), from)), loaded);
  return loaded;
}

/** The files that make a container, compile a profile, or talk to CRIU. */
const CREATION = [
  'runtime/container/creation-effects.ts',
  'effects/init/start.ts',
  'effects/rootfs/make.ts',
  'effects/mounts/plan.ts',
];
const OTHERS = [
  'effects/seccomp/compile.ts',
  'effects/hooks/hooks.ts',
  'effects/criu/checkpoint.ts',
  'spec/validate.ts',
];

describe('what a command loads', () => {
  for (const command of ['start', 'kill', 'delete', 'state'])
    it(`${command}: nothing that makes a container`, () => {
      const loaded = loadedWith(`commands/${command}.ts`);
      assert.ok(loaded.has('native/host-platform.ts'), 'files are followed');
      assert.deepEqual(
        [...CREATION, ...OTHERS].filter((file) => loaded.has(file)),
        [],
      );
    });

  it('run: all that makes one', () => {
    const loaded = loadedWith('commands/run.ts');
    assert.deepEqual(
      CREATION.filter((file) => !loaded.has(file)),
      [],
    );
  });

  it('state: no machine', () => {
    assert.ok(!loadedWith('commands/state.ts').has('machines/container.ts'));
  });
});
