/** `--open` gives the browser a file, since everybody sees the arguments of a program. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { openBrowser } from '../../../watch/served/browser.ts';

const folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-browser-`));
after(() => rmSync(folder, { recursive: true }));
const LINK = 'http://127.0.0.1:4711/?token=secret';

test('the link is in a file for the user alone, and the environment is the caller’s', async () => {
  const told = join(folder, 'told');
  writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\necho "$DISPLAY $1" > ${told}.new; mv ${told}.new ${told}\n`, {
    mode: 0o755,
  });
  const opened = openBrowser(
    LINK,
    [`PATH=relative:${folder}:/usr/bin:/bin`, 'DISPLAY=:7', new Uint8Array([1])],
    assert.fail,
  );
  while (!existsSync(told)) await setTimeout(10);
  const [display, file = ''] = readFileSync(told, 'utf8').trim().split(' ');
  assert.equal(display, ':7');
  assert.ok(!file.includes('secret'));
  assert.ok(readFileSync(file, 'utf8').includes(LINK));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(file)).mode & 0o777, 0o700);
  opened[Symbol.dispose]();
  assert.ok(!existsSync(dirname(file)));
});

test('without a program for it, the link has to be opened by hand', () => {
  const told: string[] = [];
  openBrowser(LINK, ['PATH=/nowhere'], (message) => told.push(message))[Symbol.dispose]();
  assert.match(told.join(), /there is no xdg-open in \$PATH/);
});
