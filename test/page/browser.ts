/** Debian's chromium, driven by playwright, for tests of the page of `runchart watch`. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findProgram } from '../../build/compiler.ts';

const program = findProgram('chromium');

/** Why no browser can be had; false if there is one. */
export const noBrowser: string | false = program === undefined ? 'chromium is not installed' : false;

/** The tests' pictures are kept here, to be looked at. The next run makes them anew. */
const PICTURES = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'runchart/watch-page');

export interface Sight {
  readonly page: Page;
  /** What the page complained of: errors, and what its policy (CSP) refused. */
  readonly complaints: string[];
  /** The hosts that it asked for something. */
  readonly hosts: ReadonlySet<string>;
}

interface Started {
  readonly browser: Browser;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<Started> {
  assert.ok(program !== undefined);
  // It does not always remove its temporary files.
  const folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-browser-`));
  // A sandbox needs an ordinary user; real containers need root.
  const options = { executablePath: program, args: ['--no-sandbox'], env: { ...environment(), TMPDIR: folder } };
  const browser = await chromium.launch(options);
  return {
    browser,
    async close() {
      await browser.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

function environment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME };
}

/** Opens a link. A page has no limits of time here: the test's runner ends what stands still. */
export async function look(browser: Browser, link: URL, options: BrowserContextOptions = {}): Promise<Sight> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(0);
  const page = await context.newPage();
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:') hosts.add(host);
  });
  await page.goto(link.href);
  return { page, complaints, hosts };
}

export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage });
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @returns a line for each rule of WCAG 2.2 (A and AA) and of good practice that the page breaks */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const result = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
  assert.ok(isResult(result), 'axe answers');
  assert.ok(result.passes.length > 10, 'axe has looked');
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

interface Result {
  readonly passes: readonly unknown[];
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

const isResult = (value: unknown): value is Result =>
  typeof value === 'object' && value !== null && 'violations' in value && 'passes' in value;
