/** What `--trace FILE.jsonl` writes of real commands, by its schema; its exports; and the caller's trace. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import type { CallLine, TraceLine } from '../../spec/watch/lines.ts';
import { makeBundle, noContainers, shellConfig, workFolder, writeConfig } from './bundle.ts';
import { commandLine, RUNCHART } from './command-line.ts';

const work = workFolder('trace');
after(() => work.remove());
const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/trace.schema.json'), 'utf8'));
const validate = new Ajv.default({ strict: false, allErrors: true }).compile(schema);

function linesOf(file: string): readonly TraceLine[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((text) => {
    const line: unknown = JSON.parse(text);
    assert.ok(validate(line), `${text}: ${JSON.stringify(validate.errors)}`);
    return line as TraceLine;
  });
}

const isCall = (line: TraceLine): line is CallLine => line.type === 'call';

describe('a trace', { skip: noContainers }, () => {
  const folder = join(work.path, 'one');
  mkdirSync(folder);
  const run = commandLine(RUNCHART, folder);
  const bundle = makeBundle(join(folder, 'bundle'), shellConfig('sleep 1000'));
  const id = `runchart-test-${process.pid}-trace`;
  const file = join(folder, 'trace.jsonl');
  const traced = (...argv: string[]) => run('--trace', file, ...argv);

  test('of several commands is one file, of which each line fits the schema', () => {
    for (const argv of [
      ['create', '--bundle', bundle, id],
      ['start', id],
      ['exec', id, 'true'],
      ['pause', id],
      ['resume', id],
      ['update', '--pids-limit', '50', id],
      ['state', id],
      ['list'],
      ['ps', id],
      ['events', '--stats', id],
      ['kill', id, 'KILL'],
      ['delete', '--force', id],
    ])
      assert.deepEqual([argv[0], traced(...argv).status], [argv[0], 0]);
    assert.equal(traced('start', id).status, 1);
    const lines = linesOf(file);
    const runs = [...new Set(lines.map((line) => line.run))];
    assert.equal(runs.length, 13);
    for (const one of runs) {
      const own = lines.filter((line) => line.run === one);
      assert.equal(own[0]?.type, 'command');
      assert.equal(own.at(-1)?.type, 'end');
      assert.ok(own.some(isCall));
    }
    const last = lines.at(-1);
    assert.ok(last?.type === 'end' && last.status === 1 && /does not exist/.test(last.error ?? ''));
  });

  test('says when and by which process, and shows no call that could do nothing', () => {
    const lines = linesOf(file);
    const now = Date.now() / 1000;
    assert.ok(lines.every(({ at }) => at <= now && at > now - 600));
    const calls = lines.filter(isCall);
    const command = lines.find((line) => line.type === 'command' && line.command === 'create');
    assert.ok(command?.type === 'command');
    const own = calls.filter((line) => line.run === command.run);
    const pidsOf = (who: string) => [...new Set(own.filter((line) => line.who === who).map(({ pid }) => pid))];
    assert.deepEqual(pidsOf('runtime'), [command.pid]);
    const cloned = own.findLast(({ who, call }) => who === 'stage' && call === 'clone3');
    assert.deepEqual(pidsOf('init'), [cloned?.result], 'the pid of the init is what clone3 has answered');
    const pointless = calls.filter(
      ({ call, args, errno }) => errno === 'EBADF' && ['read', 'close', 'write'].includes(call) && Number(args[0]) < 0,
    );
    assert.deepEqual(pointless, []);
  });

  test('of a creation that fails says where', () => {
    const config = shellConfig('true');
    const mount = { destination: '/x', source: '/nowhere', type: 'bind', options: ['rbind'] };
    writeConfig(bundle, { ...config, mounts: [...(config.mounts ?? []), mount] });
    const failing = join(folder, 'failing.jsonl');
    assert.equal(run('--trace', failing, 'run', '--bundle', bundle, id).status, 1);
    const failure = linesOf(failing).find((line) => line.type === 'failure');
    assert.ok(failure?.type === 'failure');
    assert.deepEqual([failure.id, failure.during, failure.code], [id, 'mounts', 'ENOENT']);
    const end = linesOf(failing).at(-1);
    assert.ok(end?.type === 'end' && end.failure?.errno === 'ENOENT' && end.failure.cause !== undefined);
    const text = join(folder, 'failing.txt');
    assert.equal(run('--trace', text, 'run', '--bundle', bundle, id).status, 1);
    const readable = readFileSync(text, 'utf8');
    assert.match(readable, /^\d\d:\d\d:\d\d\.\d{6} +\d+ -- run runchart-test-\d+-trace$/m);
    assert.match(readable, /^\d\d:\d\d:\d\d\.\d{6} +\d+ -- \S+-trace: mounts failed: .*\/nowhere/m);
    assert.match(readable, /^\d\d:\d\d:\d\d\.\d{6} +\d+ -- exit status 1: .*\n$/m);
    assert.match(readable, /^\d\d:\d\d:\d\d\.\d{6} +\d+ stage +\+?clone3\(/m);
  });

  test('keeps TRACEPARENT, which its hooks get too; and is exported below it', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const told = join(folder, 'told');
    const hook = { path: '/bin/sh', args: ['sh', '-c', `echo $OWN $TRACEPARENT >> ${told}`] };
    const config = {
      ...shellConfig('true'),
      hooks: { createRuntime: [{ ...hook, env: ['OWN=own'] }], poststop: [hook] },
    };
    writeConfig(bundle, config);
    const one = join(folder, 'one.jsonl');
    const env = { ...process.env, TRACEPARENT: traceparent };
    assert.equal(run.with({ env }, '--trace', one, 'run', '--bundle', bundle, id).status, 0);
    assert.equal(readFileSync(told, 'utf8'), `own ${traceparent}\n${traceparent}\n`);
    const [command] = linesOf(one);
    assert.equal(command?.type === 'command' && command.traceparent, traceparent);

    const otlp = JSON.parse(run('watch', '--export', 'otlp', one).stdout);
    const { spans } = otlp.resourceSpans[0].scopeSpans[0];
    assert.deepEqual([spans[0].name, spans[0].parentSpanId], [`run ${id}`, traceparent.split('-')[2]]);
    assert.ok(spans.some(({ name }: { name: string }) => name === 'creating.namespaces'));
    const { stdout, stderr } = run('watch', '--export', 'chrome', one);
    assert.equal(stderr, '');
    const events: { ph: string; dur: number; args: { name?: string } }[] = JSON.parse(stdout).traceEvents;
    assert.ok(events.every(({ ph, dur }) => ph === 'M' || dur >= 0));
    for (const who of ['runtime', 'stage', 'init'])
      assert.ok(
        events.some(({ args }) => args.name === who),
        who,
      );

    const odd = join(folder, 'odd.jsonl');
    const nonsense = { ...process.env, TRACEPARENT: 'x'.repeat(50_000) };
    assert.equal(run.with({ env: nonsense }, '--trace', odd, 'state', 'nobody').status, 1);
    assert.equal(
      linesOf(odd).some((line) => 'traceparent' in line),
      false,
    );
  });
});
