/**
 * Makes `dist/`, what ships: `runchart` (the launcher), beside it `runchart-engine` (Bun with commands/main.ts linked
 * in) and `koffi.node`, the page of `runchart watch`, the manual pages, and systemd's units of `runchart serve`. Runs
 * in Bun: `npm run build`.
 *
 * In the linked sources, `RUNCHART_LINKED` is `true`, and `RUNCHART_INIT` is the container's init program in base64.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { type Arch, BUN_PACKAGES, hostArch } from './compiler.ts';
import { compileInit } from './init.ts';
import { koffiAddon } from './koffi.ts';
import { compileLauncher } from './launcher.ts';
import { buildDate, writeManual } from './manual.ts';
import { recordOrder } from './order.ts';
import { writePage } from './page.ts';
import { alignFile } from './segments.ts';
import { collectSourceMaps } from './source-map.ts';
import { writeUnits } from './units.ts';

/**
 * Without the first two, the engine would obey `.env` and the `preload` of `bunfig.toml` in the current directory. That
 * would be foreign code run as root.
 */
const IGNORE_CURRENT_DIRECTORY = [
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
  '--no-compile-autoload-tsconfig',
  '--no-compile-autoload-package-json',
];

interface LinkOptions {
  /**
   * Lays the bytecode out in the order in which a run uses it, which differs a little from run to run. Without it, the
   * same sources give the same bytes. By default, where this machine can run the engine.
   */
  readonly ordered?: boolean;
}

/**
 * @param root the repository
 * @param dist where the three files go
 */
export async function link(root: string, dist: string, arch: Arch, options: LinkOptions = {}): Promise<void> {
  const { ordered = arch === hostArch() } = options;
  const work = join(dist, 'work');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });

  const script = join(work, 'main.js');
  const linked = join(work, 'linked');
  const engine = join(work, 'runchart-engine');
  const init = compileInit(arch);
  await bundle(join(root, 'commands/main.ts'), script, readFileSync(init));
  writeFileSync(join(work, 'runchart-engine.map'), collectSourceMaps(work, root));
  copyFileSync(await koffiAddon(root, arch), join(work, 'koffi.node'));
  linkEngine(root, arch, script, linked, []);
  if (ordered) linkEngine(root, arch, script, linked, recordOrder(linked, work, init));
  alignFile(linked, engine);
  compileLauncher(root, arch, join(work, 'runchart'));

  // The renames are atomic, so a running engine does not change, and it does not stop the build. The launcher comes
  // last.
  for (const name of ['koffi.node', 'runchart-engine.map', 'runchart-engine', 'runchart'])
    renameSync(join(work, name), join(dist, name));
  rmSync(work, { recursive: true });
}

function linkEngine(root: string, arch: Arch, script: string, output: string, order: readonly string[]): void {
  const flags = ['--compile', '--bytecode', '--format=esm', '--minify', '--splitting', ...IGNORE_CURRENT_DIRECTORY];
  // It is embedded, and read only for the stack of an error that is shown. (`inline` would be part of the scripts.)
  flags.push('--sourcemap=external');
  // The target is given too, since it replaces process.arch in the code.
  if (arch !== hostArch())
    flags.push(
      `--target=bun-linux-${arch}`,
      `--compile-executable-path=${join(root, 'node_modules', BUN_PACKAGES[arch], 'bin/bun')}`,
    );
  const ordered = order.map((file) => `--bytecode-order=${file}`);
  // The linker puts its temporary files into the current directory.
  execFileSync(process.execPath, ['build', ...flags, ...ordered, script, `--outfile=${output}`], {
    cwd: join(output, '..'),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/**
 * Makes what lies beside the linked files.
 * @param date of the manual
 * @param installed where the units find the launcher, if not where docs/engines.md puts it
 */
export async function accompany(root: string, dist: string, date: Date, installed?: string): Promise<void> {
  await writePage(root, join(dist, 'page'));
  await writeManual(join(dist, 'man/man8'), date);
  writeUnits(root, dist, installed);
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const dist = join(root, 'dist');
  console.error('build: linking dist/runchart');
  await link(root, dist, hostArch());
  await accompany(root, dist, buildDate(process.env));
}
