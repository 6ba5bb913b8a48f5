/** Files of lines, and the file of the token. */

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Line } from '../../../spec/watch/lines.ts';
import { play } from '../../../watch/files/play.ts';
import { openRecorder, readRecording } from '../../../watch/files/recording.ts';
import { keptToken, newToken } from '../../../watch/files/token.ts';

const folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-files-`));
after(() => rmSync(folder, { recursive: true }));
const warning = (at: number, message = 'x'): Line => ({ type: 'warning', at, run: 'r', message });

describe('a recording', () => {
  test('is read as it was written, and is for its owner alone', () => {
    const file = join(folder, 'recording');
    const lines = [warning(1, '<script>\n"'), warning(2, 'ü\u2028')];
    for (const line of lines) {
      const recorder = openRecorder(file, assert.fail);
      recorder.write([line]);
      recorder.close();
    }
    assert.deepEqual(readRecording(file), { lines, others: 0 });
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('that is cut off, or has other lines in it, is read as far as it goes', () => {
    const file = join(folder, 'cut');
    writeFileSync(file, `${JSON.stringify(warning(1))}\nother\n${JSON.stringify(warning(2))}\n{"type":"warn`);
    assert.deepEqual(readRecording(file), { lines: [warning(1), warning(2)], others: 2 });
  });

  test('a character that lies across two reads is one', () => {
    const file = join(folder, 'across');
    const lines = Array.from({ length: 30 }, (_, at) => warning(at, 'ü'.repeat(50_000 + at)));
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    assert.deepEqual(readRecording(file).lines, lines);
  });

  test('that cannot be written is told once', () => {
    const told: string[] = [];
    const recorder = openRecorder('/dev/full', (message) => told.push(message));
    recorder.write([warning(1)]);
    recorder.write([warning(2)]);
    recorder.close();
    assert.match(told.join('|'), /^write the recording \/dev\/full: ENOSPC: no space left on device: [^|]*$/);
    assert.throws(
      () => openRecorder(join(folder, 'no', 'where'), assert.fail),
      /^Error: open the recording .*: ENOENT/,
    );
  });
});

describe('playing', () => {
  const played = async (lines: readonly Line[], speed: number) => {
    const log: (number | readonly number[])[] = [];
    const pace = {
      speed,
      sleep: async (milliseconds: number) => void log.push(Math.round(milliseconds)),
      isOver: () => log.length > 20,
    };
    await play(lines, pace, (some) => void log.push(some.map(({ at }) => at)));
    return log;
  };

  test('keeps the pace, and waits for nothing too long', async () => {
    const lines = [warning(10), warning(10.001), warning(10.5), warning(9), warning(1000)];
    assert.deepEqual(await played(lines, 1), [[10, 10.001], 500, [10.5, 9], 2000, [1000]]);
    assert.deepEqual(await played(lines, 10), [[10, 10.001], 50, [10.5, 9], 2000, [1000]]);
    assert.deepEqual(await played(lines, Number.POSITIVE_INFINITY), [[10, 10.001, 10.5, 9, 1000]]);
  });

  test('stops when it is over', async () => {
    const log = await played(
      Array.from({ length: 100 }, (_, at) => warning(at)),
      1,
    );
    assert.ok(log.length < 30);
  });
});

describe('the token', () => {
  test('is long, and another one each time', () => {
    assert.match(newToken(), /^[\w-]{32}$/);
    assert.notEqual(newToken(), newToken());
  });

  test('is kept in a file that only its owner may read', () => {
    const file = join(folder, 'token');
    const token = keptToken(file);
    assert.equal(readFileSync(file, 'utf8'), `${token}\n`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(keptToken(file), token);
    chmodSync(file, 0o640);
    assert.throws(() => keptToken(file), /may be read by others: chmod 600 it/);
    chmodSync(file, 0o600);
    for (const text of ['', 'short', 'x'.repeat(1000), `${'x'.repeat(20)} y`]) {
      writeFileSync(file, text);
      assert.throws(() => keptToken(file), /holds no token/);
    }
    symlinkSync(file, join(folder, 'link'));
    assert.throws(() => keptToken(join(folder, 'link')), /ELOOP/);
  });
});
