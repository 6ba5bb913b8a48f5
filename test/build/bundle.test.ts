import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { APART_MAPS } from '../../build/bundle.ts';

const root = join(import.meta.dirname, '../..');
const bun = join(root, 'node_modules/.bin/bun');

describe('a bundle that validates a config', () => {
  let folder: string;
  let bundled: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
    bundled = join(folder, 'main.js');
    execFileSync(bun, [join(import.meta.dirname, 'sample/bundle.ts'), 'validate.ts', bundled]);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('says yes without loading zod', () => {
    assert.equal(execFileSync(bun, [bundled], { encoding: 'utf8' }), 'valid\nzod not loaded\n');
  });

  it('lets zod word what is wrong', () => {
    const output = execFileSync(bun, [bundled, 'bad'], { encoding: 'utf8' });
    assert.equal(output, 'config.json: hostname: must be a string\nzod loaded\n');
  });

  it('has Array’s methods as bytecode', () => {
    const asking = join(folder, 'asking.js');
    const ask = 'console.log([].map.name, [].map.toString().includes("[native code]"))';
    writeFileSync(asking, `import './main.js';\n${ask};\n`);
    assert.match(execFileSync(bun, [asking], { encoding: 'utf8' }), /\nmap false\n$/);
    rmSync(asking);
  });

  it('needs nothing but what is beside it', () => {
    // Source maps are for stacks, and no script loads them. Those of what is bundled apart have a folder.
    const scripts = readdirSync(folder).filter((name) => !name.endsWith('.js.map') && name !== APART_MAPS);
    assert.ok(
      scripts.every((name) => name === 'main.js' || /^chunk-\w+\.js$/.test(name)),
      scripts.join(),
    );
    for (const name of scripts) assert.doesNotMatch(readFileSync(join(folder, name), 'utf8'), /node_modules/, name);
  });
});
