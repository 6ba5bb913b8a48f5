/** The page of `runchart watch` in a real browser, while separate commands work on real containers. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { barriers, look, noBrowser, picture, startBrowser } from '../page/browser.ts';
import { noContainers, shellConfig } from './bundle.ts';
import { lives, resting } from './lives.ts';
import { startWatch, type Watching } from './watching.ts';

describe('the page of watch', { skip: noContainers || noBrowser }, () => {
  const host = lives('watch-page');
  const { runchart } = host;
  mkdirSync(runchart.root, { mode: 0o700 });
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  before(async () => {
    ({ browser, close: closeBrowser } = await startBrowser());
  });
  after(async () => {
    await closeBrowser();
    await host.close();
  });

  const succeed = (...argv: string[]) => {
    const { status, stderr } = runchart(...argv);
    assert.deepEqual([argv[0], status, stderr], [argv[0], 0, '']);
  };

  /** A watch that ends with its test. */
  async function watch(t: TestContext, ...args: readonly string[]): Promise<Watching> {
    const watching = await startWatch('--root', runchart.root, 'watch', ...args);
    t.after(async () => {
      for (const context of browser.contexts()) await context.close();
      await watching.stop();
    });
    return watching;
  }

  it('follows a container that separate commands create, start, pause, kill and delete', async (t) => {
    const watching = await watch(t);
    const { page, complaints, hosts } = await look(browser, watching.page);
    await page.getByText('No container yet').waitFor();
    const id = host.idFor(runchart);
    const bundle = host.bundle(id, resting());

    succeed('create', '--bundle', bundle, id);
    await here(page, 'created.idle');
    await row(page, id).getByText('created', { exact: true }).waitFor();
    const { pid } = JSON.parse(runchart('state', id).stdout);
    await row(page, id).getByText(`pid ${pid}`).waitFor();
    succeed('start', id);
    await here(page, 'running.idle');
    await taken(
      page,
      'absent creating request',
      'creating.mounts creating.rootfs done',
      'creating.saving created done',
    );
    await taken(page, 'created.idle starting request', 'starting running done');
    succeed('pause', id);
    await here(page, 'paused.idle');
    await page.locator('#moment').getByText('running.pausing → paused').waitFor();
    await picture(page, 'paused');
    succeed('resume', id);
    await here(page, 'running.idle');
    succeed('kill', id, 'KILL');
    await here(page, 'stopped.idle');
    await picture(page, 'stopped');
    succeed('delete', id);
    await here(page, 'deleted');
    await row(page, id).getByText('deleted', { exact: true }).waitFor();

    // The timeline has each command, the last one first, with its phases and how long they took.
    const commands = page.locator('.run > summary .command');
    await commands.filter({ hasText: 'delete' }).waitFor();
    // The watcher may have seen the end of its process before `delete` did.
    const told = (await commands.allInnerTexts()).filter((command) => command !== 'by itself');
    assert.deepEqual(told, ['delete', 'kill', 'resume', 'pause', 'start', 'create']);
    const creation = page.locator('.run').filter({ has: page.locator('.command', { hasText: 'create' }) });
    await creation.locator('> summary').click();
    const phases = await creation.locator('.place').allInnerTexts();
    assert.ok(phases.includes('creating.namespaces'), phases.join());
    assert.match(await creation.locator('.request').first().innerText(), /^create\s*[\d.]+ m?s$/);
    assert.deepEqual(await barriers(page), []);
    assert.deepEqual([...hosts], [watching.page.host]);
    assert.deepEqual(complaints, []);
    assert.equal(await watching.stop(), 0);
  });

  it('shows where a creation failed, and why', async (t) => {
    const watching = await watch(t);
    const { page, complaints } = await look(browser, watching.page);
    const id = host.idFor(runchart);
    const config = resting();
    const mount = { destination: '/data', type: 'bind', source: '/no/such/place', options: ['rbind'] };
    const bundle = host.bundle(id, { ...config, mounts: [...(config.mounts ?? []), mount] });
    const { status, stderr } = runchart('create', '--bundle', bundle, id);
    assert.equal(status, 1);
    await here(page, 'failed');
    await row(page, id).getByText('failed', { exact: true }).waitFor();
    await page.locator('.chart .row.broke[data-state="creating.mounts"]').waitFor();
    const cause = await page.locator('.failure .message').innerText();
    assert.match(cause, /\/no\/such\/place.*ENOENT/);
    assert.ok(stderr.includes(cause), `${stderr} has ${cause}`);
    await page.locator('.phase', { hasText: 'creating.mounts' }).getByText('mounts failed (ENOENT)').waitFor();
    await taken(page, 'creating unwinding failed');
    await picture(page, 'failed');
    assert.deepEqual(await barriers(page), []);
    assert.deepEqual(complaints, []);
    assert.equal(await watching.stop(), 0);
  });

  it('shows the system calls of a traced command, and a record without its secrets', async (t) => {
    const watching = await watch(t);
    const { page } = await look(browser, watching.page);
    const id = host.idFor(runchart);
    const config = resting();
    config.process.env = [...(config.process.env ?? []), 'PASSWORD=only-for-the-container'];
    const bundle = host.bundle(id, config);
    succeed('--trace', join(host.path, 'trace.jsonl'), 'run', '--detach', '--bundle', bundle, id);
    await here(page, 'running.idle');
    const calls = page.locator('.phase', { hasText: 'creating.process' }).locator('.calls');
    await calls
      .locator('> summary')
      .getByText(/^\d+ system calls?: .*init \d+/)
      .waitFor();
    await calls.locator('> summary').click();
    await calls.locator('li code').first().waitFor();
    await page.locator('.record > summary').click();
    await page.locator('.tree').getByText(JSON.stringify(bundle)).waitFor();
    await picture(page, 'record');
    await page.locator('.tree summary', { hasText: 'config' }).click();
    await page.locator('.tree summary', { hasText: 'process' }).click();
    await page.locator('.tree summary', { hasText: 'env' }).click();
    await page.locator('.tree').getByText('PASSWORD').waitFor();
    // What is open follows.
    await page.locator('.tree').getByText('"running"').waitFor();
    succeed('pause', id);
    succeed('update', '--pids-limit', '77', id);
    await page.locator('.tree').getByText('PASSWORD').waitFor({ state: 'detached' });
    await page.locator('.tree summary', { hasText: 'config' }).waitFor();
    assert.doesNotMatch(await page.content(), /only-for-the-container/);
    assert.equal(await watching.stop(), 0);
    succeed('delete', '--force', id);
  });

  it('connects again when the server was started again', async (t) => {
    const token = join(host.path, 'token');
    const first = await watch(t, '--token-file', token);
    const { page } = await look(browser, first.page);
    const [before, meanwhile] = [host.start(resting()).id, host.idFor(runchart)];
    await row(page, before).getByText('running').waitFor();
    await first.stop();
    await page.getByText('Connection lost').waitFor();
    await picture(page, 'lost');
    succeed('run', '--detach', '--bundle', host.bundle(meanwhile, resting()), meanwhile);
    const second = await watch(t, '--token-file', token, '--listen', first.page.host);
    await page.locator('#connection').getByText('Live').waitFor();
    await row(page, before).getByText('running').waitFor();
    await row(page, meanwhile).getByText('running').waitFor();
    succeed('pause', meanwhile);
    await row(page, meanwhile).getByText('paused').waitFor();
    assert.equal(await second.stop(), 0);
    for (const id of [before, meanwhile]) succeed('delete', '--force', id);
  });

  it('shows hostile arguments and annotations as text', async (t) => {
    const watching = await watch(t, '--with-values');
    const { page, complaints } = await look(browser, watching.page);
    const id = host.idFor(runchart);
    const markup = '<script>hacked = 1</script><img src=x onerror="hacked = 1">';
    const config = shellConfig(`: '${markup}'; : "\u001b[31mred\u202e"; sleep 1000`);
    const annotations = { [markup]: markup, 'to.long': 'a'.repeat(100_000), ansi: '\u001b[2J\u001b]0;title\u0007' };
    succeed('run', '--detach', '--bundle', host.bundle(id, { ...config, annotations }), id);
    await here(page, 'running.idle');
    await page.locator('.annotations > summary').click();
    await page.locator('.annotations dt', { hasText: '<script>' }).waitFor();
    await page.locator('.annotations').getByText('⟨ESC⟩[2J⟨ESC⟩]0;title⟨BEL⟩').waitFor();
    await page.locator('.record > summary').click();
    await page.locator('.tree summary', { hasText: 'config' }).click();
    await page.locator('.tree summary', { hasText: 'process' }).click();
    await page.locator('.tree summary', { hasText: 'args' }).click();
    await page.locator('.tree').getByText('hacked = 1').last().waitFor();
    await picture(page, 'hostile', true);
    assert.equal(await page.evaluate('typeof hacked'), 'undefined');
    assert.equal(await page.locator('img, body script, iframe').count(), 0);
    const text = await page.locator('body').innerText();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    assert.doesNotMatch(text, /[\u0000-\u0008\u000e-\u001f\u202a-\u202e]/);
    assert.ok(text.length < 20_000, 'a long value is cut');
    assert.deepEqual(await barriers(page), []);
    assert.deepEqual(complaints, []);
    assert.equal(await watching.stop(), 0);
    succeed('delete', '--force', id);
  });

  it('saves the chart as a file that a browser shows', async (t) => {
    const watching = await watch(t);
    const { page } = await look(browser, watching.page);
    const { id } = host.start(resting());
    await here(page, 'running.idle');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the chart' }).click();
    const file = join(host.path, 'chart.svg');
    await (await download).saveAs(file);
    const text = readFileSync(file, 'utf8');
    assert.match(text, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    const saved = await look(browser, new URL(`file://${file}`));
    await here(saved.page, 'running.idle');
    assert.equal(await saved.page.locator('.marks .mark').count(), 1);
    assert.equal(await saved.page.locator('parsererror').count(), 0);
    assert.deepEqual(saved.complaints, []);
    await picture(saved.page, 'saved');
    assert.equal(await watching.stop(), 0);
    succeed('delete', '--force', id);
  });
});

const row = (page: Page, id: string) => page.getByRole('option').filter({ hasText: id });

/** Waits until the chart shows the chosen container in a state. */
const here = (page: Page, state: string) => page.locator(`.chart .here[data-state="${state}"]`).waitFor();

/** Waits until the chart shows ways as taken. */
async function taken(page: Page, ...ways: readonly string[]): Promise<void> {
  for (const way of ways) await page.locator(`.chart path.taken[data-way="${way}"]`).waitFor({ state: 'attached' });
}
