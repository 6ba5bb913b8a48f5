/**
 * Makes the page of `runchart watch`: three files that need nothing else, index.html, page.css and page.js. The chart
 * is laid out here, and the page gets the result. Runs in Bun.
 */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PAGE_STYLE } from '../page/chart/style.ts';
import { bundler } from './bun.ts';
import { chartLayouts } from './chart.ts';

/** @param output a folder of its own; what is in it is removed */
export async function writePage(root: string, output: string): Promise<void> {
  const source = join(root, 'page');
  // A server may start meanwhile: it shall find all of the page, or none.
  const work = `${output}-work`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  await bundler().build({
    entrypoints: [join(source, 'main.ts')],
    outdir: work,
    naming: 'page.js',
    target: 'browser',
    format: 'esm',
    minify: true,
    define: { CHART_LAYOUTS: JSON.stringify(await chartLayouts()) },
  });
  writeFileSync(join(work, 'page.css'), `${PAGE_STYLE}\n${readFileSync(join(source, 'page.css'), 'utf8')}`);
  copyFileSync(join(source, 'index.html'), join(work, 'index.html'));
  rmSync(output, { recursive: true, force: true });
  renameSync(work, output);
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  await writePage(root, join(root, 'dist/page'));
}
