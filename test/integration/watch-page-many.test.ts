/** The page of `runchart watch` with very much to show, in all its looks. It plays a recording: no containers. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { barriers, look, noBrowser, picture, startBrowser } from '../page/browser.ts';
import { recordingOf, recordingOfFailedPause } from '../page/watched.ts';
import { workFolder } from './bundle.ts';
import { startWatch, type Watching } from './watching.ts';

const ids = Array.from({ length: 200 }, (_, index) => `service-${String(index + 1).padStart(3, '0')}`);
/** No runtime makes containers of such names, but a recording may come from anybody. */
const hostile = ['<script>hacked = 1</script>', '\u001b[31mred\u202etxt', 'x'.repeat(20_000), '../../"\'`'];

describe('the page of watch, of a recording of 204 containers and 10,000 events', { skip: noBrowser }, () => {
  const work = workFolder('watch-page-many');
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let watching: Watching;
  before(async () => {
    const file = join(work.path, 'recording.jsonl');
    writeFileSync(file, recordingOf([...ids, ...hostile], 10_000));
    watching = await startWatch('watch', '--speed', 'max', file);
    ({ browser, close: closeBrowser } = await startBrowser());
  });
  after(async () => {
    await closeBrowser();
    assert.equal(await watching.stop(), 0);
    work.remove();
  });

  it('lists them all, but makes elements only for those in sight', async () => {
    const { page, complaints } = await look(browser, watching.page);
    await page.locator('#count').getByText('204').waitFor();
    await page.locator('.pill').getByText('204').waitFor();
    const options = page.getByRole('option');
    assert.ok((await options.count()) < 40);
    const list = page.getByRole('listbox');
    await list.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('End');
    await page.getByRole('option', { selected: true }).getByText('service-001').waitFor();
    await page.getByRole('heading', { name: 'service-001' }).waitFor();
    await page.keyboard.press('ArrowUp');
    await page.getByRole('heading', { name: 'service-002' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('service-01 running');
    await page.locator('[aria-setsize="10"]').first().waitFor();
    assert.equal(await options.count(), 10);
    // One of them has some dozen commands. The oldest are shown when one asks.
    await picture(page, 'many');
    assert.deepEqual(await barriers(page), []);
    assert.deepEqual(complaints, []);
    assert.ok(Number(await page.evaluate('document.querySelectorAll("*").length')) < 3000, 'the page stays small');
    await page.context().close();
  });

  it('shows hostile names as text', async () => {
    const { page, complaints } = await look(browser, watching.page);
    await page.locator('#count').getByText('204').waitFor();
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Home');
    await page.getByRole('heading', { name: '../../"' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: '20,000 characters' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: '⟨ESC⟩[31mred⟨U+202E⟩txt' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByRole('heading', { name: '<script>hacked = 1</script>' }).waitFor();
    await picture(page, 'hostile-names');
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save the chart' }).click();
    const file = join(work.path, 'hostile.svg');
    await (await download).saveAs(file);
    const saved = await look(browser, new URL(`file://${file}`));
    assert.equal(await saved.page.locator('.pill').count(), 1);
    assert.equal(await saved.page.locator('parsererror, script').count(), 0);
    await saved.page.context().close();
    assert.equal(await page.evaluate('typeof hacked'), 'undefined');
    assert.equal(await page.locator('body script').count(), 0);
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  it('is without barriers, light and dark, with all ways, and in a narrow window', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await look(browser, watching.page, { colorScheme });
      await page.locator('#count').getByText('204').waitFor();
      assert.deepEqual(await barriers(page), [], colorScheme);
      await page.getByRole('button', { name: 'All ways' }).click();
      await page.locator('path[data-way="starting observing failed"]').waitFor({ state: 'attached' });
      await picture(page, `all-ways-${colorScheme}`);
      await page.setViewportSize({ width: 390, height: 844 });
      await page.locator('.chart .card.seen').first().waitFor();
      assert.deepEqual(await barriers(page), [], `${colorScheme}, narrow`);
      const [content, window] = await page.evaluate<number[]>('[document.body.scrollWidth, innerWidth]');
      assert.equal(content, window, 'nothing lies beside a narrow window');
      await picture(page, `narrow-${colorScheme}`, true);
      await page.context().close();
    }
  });

  it('keeps the theme that was chosen', async () => {
    const { page } = await look(browser, watching.page, { colorScheme: 'light' });
    const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.getByRole('button', { name: 'Theme: system' }).click();
    await page.getByRole('button', { name: 'Theme: light' }).click();
    assert.notEqual(await ground(), light);
    await page.reload();
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor();
    assert.notEqual(await ground(), light);
    await page.context().close();
  });

  it('shows a way that is not drawn when a container takes it', async () => {
    const file = join(work.path, 'failed-pause.jsonl');
    writeFileSync(file, recordingOfFailedPause('odd'));
    const playing = await startWatch('watch', '--speed', 'max', file);
    try {
      const { page, complaints } = await look(browser, playing.page);
      await page.locator('.chart .here[data-state="paused.idle"]').waitFor();
      // From running to observing, and from there to paused.
      assert.equal(await page.locator('path.detour.taken').count(), 2);
      await page.locator('.row.broke[data-state="running.pausing"]').waitFor();
      await page.locator('.note.bad').getByText('pause failed (EBUSY)').waitFor();
      await page.locator('.note.warn').getByText('it is slow').waitFor();
      await picture(page, 'detour');
      await page.getByRole('button', { name: 'All ways' }).click();
      await page.locator('path.road.taken[data-way="running.pausing observing failed"]').waitFor({ state: 'attached' });
      assert.equal(await page.locator('path.detour').count(), 0);
      assert.deepEqual(complaints, []);
    } finally {
      for (const context of browser.contexts()) await context.close();
      await playing.stop();
    }
  });

  it('moves dots along the ways, but not for those who prefer less motion', async () => {
    const file = join(work.path, 'moving.jsonl');
    // It takes minutes to play: it is still going on when the page comes.
    writeFileSync(file, recordingOf(['moving'], 2000));
    const playing = await startWatch('watch', file);
    try {
      const still = await look(browser, playing.page, { reducedMotion: 'reduce' });
      await still.page.locator('path.flash').first().waitFor({ state: 'attached' });
      assert.equal(await still.page.locator('.runner').count(), 0);
      const moving = await look(browser, playing.page, { reducedMotion: 'no-preference' });
      await moving.page.locator('.runner').first().waitFor({ state: 'attached' });
      assert.equal(await moving.page.locator('path.flash').count(), 0);
    } finally {
      for (const context of browser.contexts()) await context.close();
      await playing.stop();
    }
  });

  it('has a policy that lets nothing in from outside', async () => {
    const answer = await fetch(watching.page);
    const policy = answer.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.doesNotMatch(await answer.text(), /\bstyle=|\bon\w+=|<script(?! type="module" src="page.js")/);
  });
});
