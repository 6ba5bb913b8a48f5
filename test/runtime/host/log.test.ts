import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadLibc } from '../../../native/libraries/libc.ts';
import { localKernel } from '../../../native/performers/local.ts';
import { jsonLogLine, openLog, textLogLine } from '../../../runtime/host/log.ts';

const TIME = '2026-11-24T08:31:09Z';

describe('a line of text', () => {
  const cases: [string, string][] = [
    ['container does not exist', '"container does not exist"'],
    ['EOF', 'EOF'],
    ['/a/b-c_d.e@f^g+1', '/a/b-c_d.e@f^g+1'],
    ['unknown signal "X"', String.raw`"unknown signal \"X\""`],
    ['a\nb\tc\\', String.raw`"a\nb\tc\\"`],
    // Not by String.raw: Bun turns é into an escape there.
    ['\u0001é', '"\\x01é"'],
  ];
  for (const [message, quoted] of cases)
    it(`quotes ${JSON.stringify(message)} as logrus does`, () => {
      assert.equal(textLogLine('error', message, TIME), `time="${TIME}" level=error msg=${quoted}\n`);
    });
});

it('a line of JSON has its members in the order of logrus', () => {
  assert.equal(jsonLogLine('error', 'a "b"', TIME), `{"level":"error","msg":"a \\"b\\"","time":"${TIME}"}\n`);
});

describe('a log file', () => {
  const kernel = localKernel(loadLibc());
  const folder = mkdtempSync(join(tmpdir(), 'runchart-test-log-'));
  after(() => rmSync(folder, { recursive: true }));

  it('is made, appended to, and says debug lines only when asked', () => {
    const file = join(folder, 'log');
    for (const debug of [false, true]) {
      const log = openLog(kernel, { file, format: 'json', debug, now: () => TIME });
      log.debug(`debug ${debug}`);
      log.warn(`warning ${debug}`);
    }
    assert.deepEqual(
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { level: 'warning', msg: 'warning false', time: TIME },
        { level: 'debug', msg: 'debug true', time: TIME },
        { level: 'warning', msg: 'warning true', time: TIME },
      ],
    );
  });

  it('that cannot be opened is an error of one line', () => {
    const file = join(folder, 'nope/log');
    assert.throws(() => openLog(kernel, { file, format: 'text', debug: false, now: () => TIME }), {
      message: `open the log ${file}: ENOENT: no such file or directory`,
    });
  });
});
