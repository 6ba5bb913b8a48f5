/** Finds which npm packages are linked into the engine, and their licence texts. Runs in Bun. */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../bundle.ts';
import { type Arch, BUN_PACKAGES } from '../compiler.ts';

export interface LinkedPackage {
  readonly name: string;
  readonly version: string;
  /** As its package.json names it, an SPDX expression: `MIT`. */
  readonly license: string;
  readonly homepage: string;
  /** Undefined where the package brings none. */
  readonly text: string | undefined;
}

/** @returns them, sorted by name: what the bundle holds code of, koffi, whose addon is compiled, and Bun */
export async function linkedPackages(root: string, arch: Arch): Promise<readonly LinkedPackage[]> {
  const work = mkdtempSync(join(tmpdir(), 'runchart-linked-'));
  try {
    const files = await bundle(join(root, 'commands/main.ts'), join(work, 'main.js'), new Uint8Array());
    const bundled = files.flatMap((file) => folderOf(file) ?? []);
    const folders = new Set([...bundled, 'node_modules/koffi', `node_modules/${BUN_PACKAGES[arch]}`]);
    return [...folders].map((folder) => describe(join(root, folder))).sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** @returns the folder of the package that a file belongs to: the innermost one, since packages may hold others */
const folderOf = (file: string): string | undefined =>
  /node_modules\/(.*\/node_modules\/)?(@[^/]+\/)?[^/]+/.exec(file)?.[0];

function describe(folder: string): LinkedPackage {
  const { name, version, license, homepage, repository } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  const file = globSync('{LICEN[CS]E,licen[cs]e,COPYING}*', { cwd: folder }).sort()[0];
  const text =
    file !== undefined && existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : undefined;
  const place = homepage ?? (typeof repository === 'string' ? repository : repository?.url) ?? '';
  return { name, version, license: typeof license === 'string' ? license : 'unknown', homepage: place, text };
}
