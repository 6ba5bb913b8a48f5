/**
 * Bundles an entry point and all its imports for the engine: into one script, and into another one for whatever
 * `import()` may load later. In a single script, Bun would wrap each module that is loaded later, and each one that
 * those share with the rest. That costs a `run` 1.3 ms, and a `state` 1.1 ms. Runs in Bun.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { bundledApart } from './apart.ts';
import { type BunPlugin, bundler, heldSources } from './bun.ts';
import { lazyBuiltins, renameImports } from './lazy-builtins.ts';
import { lazyOclif } from './lazy-oclif.ts';
import { lazyXstate } from './lazy-xstate.ts';
import { validatorsPlugin } from './validators.ts';

/** Beside the scripts: the source maps of what is bundled apart (apart.ts). The maps of the scripts lead to those. */
export const APART_MAPS = 'apart';

/**
 * @param output the script's path; the others are `chunk-….js` in its folder
 * @param init the container's init program; the script holds it in base64 as RUNCHART_INIT, so nothing is unpacked
 * @returns the paths of the sources that the scripts hold code of
 */
export async function bundle(entry: string, output: string, init: Uint8Array): Promise<readonly string[]> {
  const plugins = [validatorsPlugin(), lazyBuiltins, lazyOclif, lazyXstate, realWs];
  const define = { RUNCHART_LINKED: 'true', RUNCHART_INIT: JSON.stringify(Buffer.from(init).toString('base64')) };
  const apart = await bundledApart(join(import.meta.dirname, '..'), join(dirname(output), APART_MAPS), {
    plugins,
    define,
  });
  const built = await bundler().build({
    entrypoints: [entry],
    outdir: dirname(output),
    naming: basename(output),
    target: 'bun',
    format: 'esm',
    minify: true,
    splitting: true,
    metafile: true,
    sourcemap: 'external',
    plugins: [arrayMethods(resolve(entry)), apart.plugin, ...plugins],
    define,
  });
  return [...heldSources(built), ...apart.sources];
}

/** Lets the entry point install our methods of Array (array-methods.ts) before anything else. */
const arrayMethods = (entry: string): BunPlugin => ({
  name: 'array-methods',
  setup(builder) {
    builder.onLoad({ filter: new RegExp(`^${entry.replace(/\W/g, '\\$&')}$`) }, async ({ path }) => {
      const methods = JSON.stringify(join(import.meta.dirname, 'array-methods.ts'));
      const source = renameImports(await readFile(path, 'utf8'));
      return { contents: `import { install } from ${methods};\ninstall(Array.prototype);\n${source}`, loader: 'ts' };
    });
  },
});

/** Bun has an imitation of `ws` built in, which does less. The package itself works in Bun as it does in Node. */
const realWs: BunPlugin = {
  name: 'real-ws',
  setup(builder) {
    builder.onResolve({ filter: /^ws$/ }, () => ({
      path: join(import.meta.dirname, '../node_modules/ws/wrapper.mjs'),
      namespace: 'file',
    }));
  },
};
