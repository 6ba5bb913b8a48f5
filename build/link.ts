/**
 * Makes `dist/`, what ships: `runchart` (the launcher), and beside it `runchart-engine` (Bun with commands/main.ts
 * linked in) and `koffi.node`. Runs in Bun: `npm run build`.
 *
 * In the linked sources, `RUNCHART_LINKED` is `true`, and `RUNCHART_INIT` the container's init program in base64.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundler } from './bun.ts';
import { hostArch } from './compiler.ts';
import { buildLauncher } from './launcher.ts';
import { lazyOclif } from './lazy-oclif.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const arch = hostArch();

/** Without the first two, `.env` and a `preload` in `bunfig.toml` of the current directory are obeyed: code run as root. */
const IGNORE_CURRENT_DIRECTORY = [
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
  '--no-compile-autoload-tsconfig',
  '--no-compile-autoload-package-json',
];

const work = join(dist, 'work');
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

await bundle(join(root, 'commands/main.ts'));
linkEngine(join(work, 'main.js'), join(work, 'runchart-engine'));
copyFileSync(
  join(root, `node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`),
  join(work, 'koffi.node'),
);
buildLauncher(root, arch, join(work, 'runchart'));

// By rename, since a running engine must neither be written to nor stop the build (ETXTBSY); the launcher last.
for (const name of ['koffi.node', 'runchart-engine', 'runchart']) renameSync(join(work, name), join(dist, name));
rmSync(work, { recursive: true });

async function bundle(entry: string): Promise<void> {
  await bundler().build({
    entrypoints: [entry],
    outdir: work,
    naming: 'main.js',
    target: 'bun',
    format: 'esm',
    minify: true,
    plugins: [lazyOclif],
    define: { RUNCHART_LINKED: 'true', RUNCHART_INIT: JSON.stringify(initProgram()) },
  });
}

function initProgram(): string {
  const path = join(dist, `init-${arch}`);
  return existsSync(path) ? readFileSync(path).toString('base64') : '';
}

function linkEngine(script: string, output: string): void {
  const flags = ['--compile', '--bytecode', '--format=esm', '--minify', ...IGNORE_CURRENT_DIRECTORY];
  // Not in the current directory: that is where the linker would put its own temporary file.
  execFileSync(process.execPath, ['build', ...flags, script, `--outfile=${output}`], { cwd: work, stdio: 'pipe' });
}
