/**
 * Bundles an entry point and all it imports as the engine gets it: a script, and beside it one for whatever `import()` may load
 * later. In a single script everything that is so loaded would be wrapped, module by module, and what it shares with
 * the rest too: 1.3 ms of a `run`, 1.1 of `state`. Runs in Bun.
 */
import { basename, dirname } from 'node:path';
import { bundler } from './bun.ts';
import { lazyBuiltins } from './lazy-builtins.ts';
import { lazyOclif } from './lazy-oclif.ts';
import { lazyXstate } from './lazy-xstate.ts';
import { validatorsPlugin } from './validators.ts';

/**
 * @param output the script's path; the others are `chunk-….js` in its folder
 * @param init the container's init program, which the script holds in base64 as RUNCHART_INIT: nothing is unpacked
 */
export async function bundle(entry: string, output: string, init: Uint8Array): Promise<void> {
  await bundler().build({
    entrypoints: [entry],
    outdir: dirname(output),
    naming: basename(output),
    target: 'bun',
    format: 'esm',
    minify: true,
    splitting: true,
    plugins: [validatorsPlugin(), lazyBuiltins, lazyOclif, lazyXstate],
    define: { RUNCHART_LINKED: 'true', RUNCHART_INIT: JSON.stringify(Buffer.from(init).toString('base64')) },
  });
}
