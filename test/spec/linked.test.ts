import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultConfig } from '../../spec/default.ts';

const ROOT = join(import.meta.dirname, '../..');
const BUN = ['x64', 'aarch64']
  .map((arch) => join(ROOT, `node_modules/@oven/bun-linux-${arch}/bin/bun`))
  .find((file) => existsSync(file));

// It links with the plugin, as build/link.ts does. In the place of zod is a module that fails when it is evaluated.
const LINK = `
import { validatorsPlugin } from '${ROOT}/build/validators.ts';
const [entry, outdir] = process.argv.slice(2);
const withoutZod = {
  name: 'without-zod',
  setup(build) {
    const contents = 'throw new Error("zod was loaded")';
    build.onLoad({ filter: /node_modules.zod/ }, () => ({ contents, loader: 'js' }));
  },
};
const plugins = [validatorsPlugin(), withoutZod];
const { success, logs } = await Bun.build({ entrypoints: [entry], outdir, target: 'bun', plugins });
if (!success) throw new Error(logs.join());
`;

const ENTRY = `
import { parseConfig } from '${ROOT}/spec/validate.ts';
const told = (error) => error.message;
console.log((await parseConfig(process.argv[2])).process.args.join());
console.log(await parseConfig('{"ociVersion":1}').catch(told));
`;

test('a linked program validates without zod', { skip: BUN ? false : 'Bun is not installed' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'runchart-linked-'));
  const run = (...argv: string[]): string => {
    const { status, stdout, stderr } = spawnSync(BUN ?? '', argv, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  try {
    const file = (name: string) => join(folder, name);
    writeFileSync(file('link.ts'), LINK);
    writeFileSync(file('entry.ts'), ENTRY);
    run(file('link.ts'), file('entry.ts'), file('out'));
    const printed = run(file('out/entry.js'), JSON.stringify(defaultConfig({ unifiedCgroups: false })));
    assert.deepEqual(printed.split('\n'), ['sh', 'zod was loaded', '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
