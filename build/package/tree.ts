/** Lays out an installation: what a package puts below /usr. */
import { copyFileSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { completionScripts } from '../../commands/completion/scripts.ts';
import { copyright } from './copyright.ts';
import type { LinkedPackage } from './linked.ts';

interface Parts {
  /** What `link` and `writeManual` have made. */
  readonly dist: string;
  readonly linked: readonly LinkedPackage[];
  /** The bill of materials. */
  readonly bill: string;
  /** An empty folder, or none yet. */
  readonly to: string;
}

/** Where shells look for the scripts that packages bring. */
const COMPLETIONS: Readonly<Record<string, string>> = {
  bash: 'share/bash-completion/completions/runchart',
  zsh: 'share/zsh/vendor-completions/_runchart',
  fish: 'share/fish/vendor_completions.d/runchart.fish',
};

/** @returns the folder `to`, which holds what goes below /usr */
export async function layOut(root: string, { dist, linked, bill, to }: Parts): Promise<string> {
  const put = (path: string, content: string | Uint8Array, mode = 0o644): void => {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), content, { mode });
  };
  const documents = 'share/doc/runchart';
  put('lib/runchart/runchart', readFileSync(join(dist, 'runchart')), 0o755);
  put('lib/runchart/koffi.node', readFileSync(join(dist, 'koffi.node')));
  put('lib/runchart/runchart-engine.map', readFileSync(join(dist, 'runchart-engine.map')));
  // 110 MB: copied by the kernel.
  copyFileSync(join(dist, 'runchart-engine'), join(to, 'lib/runchart/runchart-engine'));
  for (const file of globSync('page/*', { cwd: dist }).sort())
    put(`lib/runchart/${file}`, readFileSync(join(dist, file)));
  mkdirSync(join(to, 'bin'));
  // The launcher looks for the engine beside itself, wherever a link to it lies.
  symlinkSync('../lib/runchart/runchart', join(to, 'bin/runchart'));
  for (const unit of globSync('*.{service,socket}', { cwd: dist }).sort())
    put(`lib/systemd/system/${unit}`, readFileSync(join(dist, unit)));
  for (const page of globSync('man/man8/*.8', { cwd: dist }).sort())
    put(`share/man/man8/${basename(page)}.gz`, zipped(readFileSync(join(dist, page))));
  for (const [shell, script] of await completionScripts()) put(COMPLETIONS[shell] ?? `${documents}/${shell}`, script);
  put(`${documents}/copyright`, copyright(readFileSync(join(root, 'LICENSE'), 'utf8'), linked));
  put(`${documents}/changelog.gz`, zipped(readFileSync(join(root, 'CHANGELOG.md'))));
  put(`${documents}/runchart.cdx.json`, bill);
  for (const { name, text } of linked)
    if (text !== undefined) put(`${documents}/licences/${name.replace('/', '-')}`, text);
  return to;
}

/** gzip without a time or a name, so that equal files give equal archives. */
const zipped = (content: Uint8Array): Uint8Array => gzipSync(content, { level: 9 });
