import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { circles, violations } from '../../build/check-imports.ts';

describe('the import rule', () => {
  const allowed: readonly [string, string][] = [
    ['commands/run.ts', "import { openContainer } from '../runtime/container.ts';"],
    ['commands/run.ts', "import { Command } from '@oclif/core/command';\nimport { writeSync } from 'node:fs';"],
    ['commands/main.ts', "import manifest from '../package.json' with { type: 'json' };"],
    ['library/index.ts', "import { machine } from '../machines/container.ts';\nexport * from '../spec/state.ts';"],
    ['machines/container.ts', "import type { Mounts } from '../effects/mounts/plan.ts';"],
    ['machines/container.ts', "import { type Mounts, type Step } from '../effects/mounts.ts';"],
    ['machines/container.ts', "import {\n  type Mounts,\n  type Step,\n} from '../effects/mounts.ts';"],
    ['machines/container.ts', "import { setup } from 'xstate';"],
    [
      'effects/mounts/plan.ts',
      "import { perform } from '../../native/kernel/perform.ts';\nimport { a } from './b.ts';",
    ],
    ['effects/mounts/plan.ts', "import type { Config } from '../../spec/types.ts';\nimport { join } from 'node:path';"],
    ['native/libraries/koffi.ts', "import { createRequire } from 'node:module';\nconst later = await import('koffi');"],
    ['spec/state.ts', "import * as z from 'zod';\n// import { x } from '../effects/x.ts';"],
    ['spec/state.ts', "export const a = 'b';\nexport const c = [\n  'd',\n];"],
    ['test/effects/mounts.test.ts', "import { main } from '../../commands/main.ts';"],
    ['build/link.ts', "import { x } from '../spec/x.ts';"],
  ];
  for (const [file, source] of allowed) {
    it(`lets ${file} have ${source}`, () => assert.deepEqual(violations(file, source), []));
  }

  const refused: readonly [string, string, RegExp][] = [
    [
      'commands/run.ts',
      "import { machine } from '../machines/container.ts';",
      /commands\/ may import conform, watch, runtime, spec/,
    ],
    ['commands/run.ts', "import { Command } from '@oclif/core';", /@oclif\/core\//],
    ['machines/container.ts', "import { mounts } from '../effects/mounts.ts';", /only types of effects/],
    ['machines/container.ts', "import { type Mounts, mounts } from '../effects/mounts.ts';", /only types/],
    ['machines/container.ts', "import mounts from '../effects/mounts.ts';", /only types/],
    ['machines/container.ts', "import '../effects/mounts.ts';", /only types/],
    ['machines/container.ts', "const x = await import('../effects/mounts.ts');", /only types/],
    ['machines/container.ts', "import type { Kernel } from '../native/kernel.ts';", /machines\/ may import spec/],
    ['machines/a/b.ts', "import { openContainer } from '../../runtime/container/container.ts';", /may import spec/],
    ['effects/mounts.ts', "import { setup } from 'xstate';", /of packages/],
    ['effects/mounts.ts', "import { readFileSync } from 'node:fs';", /of packages/],
    ['effects/mounts.ts', "export { machine } from '../machines/container.ts';", /may import native, spec/],
    ['native/kernel/kernel.ts', "import type { Config } from '../../spec/types.ts';", /no other floor/],
    ['spec/state.ts', "import { env } from 'node:process';", /of packages/],
    ['spec/state.ts', "import {\n  a,\n  b,\n} from '../native/kernel.ts';", /no other floor/],
  ];
  for (const [file, source, reason] of refused) {
    it(`refuses ${file} ${source}`, () => {
      const [line, ...more] = violations(file, source);
      assert.deepEqual(more, []);
      assert.match(line ?? 'nothing', reason);
    });
  }
});

describe('the circle rule', () => {
  const sources = (files: Readonly<Record<string, string>>) => new Map(Object.entries(files));

  it('finds files that import each other, of types as well', () => {
    const files = {
      'effects/a.ts': "import { b } from './b/b.ts';",
      'effects/b/b.ts': "import type { C } from '../c.ts';\nimport { d } from '../d.ts';",
      'effects/c.ts': "export { a } from './a.ts';",
      'effects/d.ts': '',
    };
    assert.deepEqual(circles(sources(files)), ['effects/a.ts -> effects/b/b.ts -> effects/c.ts -> effects/a.ts']);
  });

  it('finds a circle that hangs on a file outside of it, and a file that imports itself', () => {
    const files = {
      'effects/a.ts': "import { b } from './b.ts';",
      'effects/b.ts': "import { c } from './c.ts';\nimport { b } from './b.ts';",
      'effects/c.ts': "import { b } from './b.ts';",
    };
    assert.deepEqual(circles(sources(files)), [
      'effects/b.ts -> effects/c.ts -> effects/b.ts',
      'effects/b.ts -> effects/b.ts',
    ]);
  });

  it('lets an import wait until it is needed, and two ways lead to one file', () => {
    const files = {
      'effects/a.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';",
      'effects/b.ts': "import { c } from './c.ts';\nconst later = () => import('./a.ts');",
      'effects/c.ts': '',
    };
    assert.deepEqual(circles(sources(files)), []);
  });
});
