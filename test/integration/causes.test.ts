/** Each fault is told with its cause: in the error's line, in the JSON log, and by `explain`. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { makeBundle, noContainers, shellConfig, workFolder } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { FAULTS } from './errors/faults.ts';
import { placeBusybox, tryFault } from './errors/try.ts';
import { remains } from './nothing-left.ts';

const work = workFolder('causes');
const prefix = `runchart-test-${process.pid}-causes`;
if (!noContainers) placeBusybox(work.path);

after(() => {
  assert.deepEqual(remains(prefix, work.path), []);
  work.remove();
});

function explain(...args: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(RUNCHART, ['--root', join(work.path, 'root'), 'explain', ...args], {
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

describe('what is told of a fault', { skip: noContainers }, () => {
  for (const [index, fault] of FAULTS.entries()) {
    test(fault.title, { skip: fault.skip ?? false }, () => {
      const id = `${prefix}-${index}`;
      tryFault({ words: [RUNCHART] }, work.path, id, fault, ({ status, message, line, bundle }) => {
        assert.notEqual(status, 0);
        assert.match(message, fault.says);
        assert.doesNotMatch(message, /\n|undefined|\[object/);
        for (const [name, value] of Object.entries(fault.facts)) {
          if (value instanceof RegExp) assert.match(String(line[name]), value, name);
          else assert.equal(line[name], value, name);
        }
        const { status: explained, text } = explain(id);
        assert.equal(explained, 0, text);
        assert.match(text, /^container \S+: run failed \d+ seconds? ago \(\S+\)\n( {2}\S.*\n)+$/);
        assert.match(text, new RegExp(`^  bundle +${bundle}$`, 'm'));
        assert.match(/^ {2}what to do +(.*)$/m.exec(text)?.[1] ?? '', fault.advice);
        const asJson = JSON.parse(explain('--json', id).text);
        assert.equal(asJson.phase, line.phase);
        assert.ok(String(line.hint ?? asJson.advice).includes(asJson.advice));
      });
    });
  }

  test('the last twenty are kept, for the owner alone, and no command leaves more', () => {
    const { text } = explain();
    assert.equal(text.trimEnd().split('\n').length, Math.min(20, FAULTS.filter(({ skip }) => !skip).length));
    const left = readdirSync(join(work.path, 'root')).filter((name) => name !== '@seccomp');
    assert.deepEqual(left, ['@failures.jsonl']);
  });

  test('a trace tells the same story, on any machine', () => {
    const [fault] = FAULTS.filter(({ title }) => title === 'The source of a bind is missing');
    assert.ok(fault);
    const trace = join(work.path, 'trace.jsonl');
    const id = `${prefix}-traced`;
    tryFault({ words: [RUNCHART, '--trace', trace] }, work.path, id, fault, ({ line }) => {
      const { status, text } = explain('--json', trace);
      assert.equal(status, 0, text);
      const { phase, syscall, errno, path, cause, ...named } = JSON.parse(text);
      const told = { phase: 'mounts', syscall: 'open_tree', errno: 'ENOENT', path: '/no/such/data' };
      assert.deepEqual({ phase, syscall, errno, path }, told);
      assert.ok(String(line.hint).startsWith(cause));
      assert.deepEqual([named.id, named.command], [id, 'run']);
      // Without what the command itself has written down at its end, the calls tell it.
      writeFileSync(trace, readFileSync(trace, 'utf8').replace(/,"failure":\{[^{}]*\}/g, ''));
      const { advice, ...bare } = JSON.parse(explain('--json', trace).text);
      assert.deepEqual([advice, bare.phase, bare.syscall, bare.errno, bare.path], [undefined, ...Object.values(told)]);
    });
    writeFileSync(trace, 'no trace\n');
    assert.match(explain(trace).text, /read the trace \S+: it has no line of a trace"$/m);
    assert.match(explain('./no-such.jsonl').text, /read the trace \/\S+: ENOENT/);
  });

  test('of what is not known it says so', () => {
    const { status, text } = explain(`${prefix}-none`);
    assert.equal(status, 1);
    assert.match(text, /no failure of container \S+-none is known in \//);
    assert.equal(existsSync(join(work.path, 'root')), true);
  });
});

describe('the command line', { skip: noContainers }, () => {
  const command = (...argv: readonly string[]) =>
    spawnSync(RUNCHART, ['--root', join(work.path, 'root'), ...argv], { encoding: 'utf8' });

  test('says what was meant', () => {
    assert.match(command('strat', 'c1').stderr, /unknown command .* \(did you mean start\?\)/);
    assert.match(command('run', '--bundel', '/', 'c1').stderr, /defined: --bundel \(did you mean --bundle\?\)/);
    assert.doesNotMatch(command('run', '--frobnicate', 'c1').stderr, /did you mean/);
  });

  test('leaves the words of another program alone', () => {
    for (const flag of ['--help', '--version'])
      assert.match(command('exec', 'c1', 'ls', flag).stderr, /exec failed: container does not exist: c1 is not in \//);
    assert.match(command('exec', '--help').stdout, /USAGE/);
    assert.match(command('state', '--version').stdout, /^runchart version /);
    assert.match(command('--help').stdout, /-v, --version/);
  });

  test('shows with --debug where in the sources it failed', () => {
    const { stderr } = command('--debug', 'state', `${prefix}-none`);
    assert.match(stderr, /level=debug msg="StoreError: .*\\n {4}at \S+ \(runtime\/store\/error\.ts:\d+\)/);
    assert.match(stderr, /\(commands\/state\.ts:\d+\)/);
  });

  test('warns of names in a seccomp profile that are no system calls, and starts the container', () => {
    const syscalls = [{ names: ['no_such_call', 'mkdir', 'mseal'], action: 'SCMP_ACT_ERRNO' as const }];
    const seccomp = { defaultAction: 'SCMP_ACT_ALLOW' as const, syscalls };
    const folder = join(work.path, 'bundle');
    const config = shellConfig('true');
    makeBundle(folder, { ...config, linux: { ...config.linux, seccomp } });
    const { status, stderr } = command('run', '--bundle', folder, `${prefix}-seccomp`);
    assert.equal(status, 0, stderr);
    assert.match(
      stderr,
      /level=warning msg="linux\.seccomp\.syscalls: no such system call, ignored: \\"no_such_call\\""\n$/,
    );
  });
});
