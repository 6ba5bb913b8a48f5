import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { lazyModule, renameImports } from '../../build/lazy-builtins.ts';

describe('lazyModule', () => {
  const module = { readIt: () => '', Stats: class {}, constants: { O_RDONLY: 0 }, default: {}, 'not a name': 1 };

  it('wraps functions, so that the module is loaded when one is called', async () => {
    const { sep, basename, default: whole } = await evaluate(lazyModule('node:path', await import('node:path')));
    assert.equal((basename as (path: string) => string)('/a/b'), 'b');
    assert.equal(sep, '/');
    assert.equal(whole, process.getBuiltinModule('node:path'));
    assert.match(lazyModule('node:x', module), /^function \$readIt\(\.\.\.args\) \{ return process\.getBuiltinModule/m);
  });

  it('lets the bundler leave out what is no function', () => {
    const source = lazyModule('node:x', module);
    assert.match(source, /^const \$Stats = \/\* @__PURE__ \*\//m);
    assert.match(source, /^const \$constants = \/\* @__PURE__ \*\//m);
    assert.doesNotMatch(source, /not a name/);
  });

  async function evaluate(source: string): Promise<Record<string, unknown>> {
    const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
    writeFileSync(join(folder, 'module.mjs'), source);
    try {
      return await import(join(folder, 'module.mjs'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

describe('renameImports', () => {
  it('finds imports on one line and on several, and nothing else', () => {
    const source = [
      "import { a } from 'node:fs';",
      "import {\n  b,\n} from 'node:fs/promises';",
      "import { c } from './node:x.ts';\n",
    ].join('\n');
    assert.equal(
      renameImports(source),
      [
        "import { a } from 'lazy-builtin:node:fs';",
        "import {\n  b,\n} from 'lazy-builtin:node:fs/promises';",
        "import { c } from './node:x.ts';\n",
      ].join('\n'),
    );
  });
});
