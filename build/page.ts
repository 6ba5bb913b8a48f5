/**
 * Makes the page of `runchart watch`: three files that need nothing else, index.html, page.css and page.js. The chart
 * is laid out here, and the page gets the result. Runs in Bun.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PAGE_STYLE } from '../page/chart/style.ts';
import { bundler } from './bun.ts';
import { chartLayouts } from './chart.ts';

/** @param output a folder of its own; what is in it is removed */
export async function writePage(root: string, output: string): Promise<void> {
  const source = join(root, 'page');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  await bundler().build({
    entrypoints: [join(source, 'main.ts')],
    outdir: output,
    naming: 'page.js',
    target: 'browser',
    format: 'esm',
    minify: true,
    define: { CHART_LAYOUTS: JSON.stringify(await chartLayouts()) },
  });
  writeFileSync(join(output, 'page.css'), `${PAGE_STYLE}\n${readFileSync(join(source, 'page.css'), 'utf8')}`);
  copyFileSync(join(source, 'index.html'), join(output, 'index.html'));
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  await writePage(root, join(root, 'dist/page'));
}
