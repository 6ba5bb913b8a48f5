/**
 * Messages of all kinds to the init's own source (native/init/init.c), by libFuzzer, with the sanitizers for addresses
 * and undefined behaviour. fuzz/init.c has the rules that each call and each answer is held to; fuzz/messages, what it
 * begins with.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findProgram } from '../../build/compiler.ts';

const root = join(import.meta.dirname, '../..');
const harness = join(import.meta.dirname, 'init.c');
const seeds = join(import.meta.dirname, 'messages');
const folder = mkdtempSync(join(tmpdir(), 'runchart-test-'));
after(() => rmSync(folder, { recursive: true }));

const SECONDS = 20;
/** The longest message of the harness, and some more for what follows it. */
const LONGEST_INPUT = 3000;

const FLAGS = ['-std=gnu11', '-g', '-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'];

/** What is missing to run it. Undefined where nothing is. */
function missing(): string | undefined {
  if (findProgram('clang') === undefined) return 'clang is not installed';
  const empty = 'int LLVMFuzzerTestOneInput(void) { return 0; }';
  const options = ['-fsanitize=fuzzer,address', '-x', 'c', '-', '-o', join(folder, 'empty')];
  return spawnSync('clang', options, { input: empty }).status === 0 ? undefined : 'libFuzzer is not installed';
}

/** Compiles the fuzzer. @param native the folder that has init/init.c */
function compile(native: string): string {
  const program = join(native, 'fuzz-init');
  const output = native.startsWith(folder) ? program : join(folder, 'fuzz-init');
  execFileSync('clang', [...FLAGS, '-I', native, '-o', output, harness], { stdio: 'inherit' });
  return output;
}

function fuzz(program: string, options: readonly string[]): { status: number | null; report: string } {
  const found = mkdtempSync(join(folder, 'found-'));
  const all = [...options, `-max_len=${LONGEST_INPUT}`, `-artifact_prefix=${found}/`, '-print_final_stats=1'];
  const { status, stderr } = spawnSync(program, [...all, found, seeds], { encoding: 'utf8', maxBuffer: 1 << 28 });
  return { status, report: stderr };
}

/** Faults that the source once had, or that must be noticed: what is replaced in the source, and by what. */
const WRONG: Record<string, readonly [right: string, wrong: string]> = {
  'an index of a result that is not checked': ['call->args[i] >= index', '0'],
  'an answer larger than its half': [' && answer <= half', ''],
  'a message larger than its half': ['m->size <= half && ', ''],
  'more calls than the message has': [' && m->size >= sizeof *m + calls', ''],
  'a malformed message that ends an init that waits': ['if (!again.flags)', 'if (!again.flags || !lost)'],
  'out buffers with bytes of earlier answers': ['at[i] = 0', ''],
  'a connection that begins as if stopped': ['lost = stopped = 0', 'lost = 0'],
  'a call to serve on that asks for results': [' || call->flags & RESULTS', ''],
  'a stranger who is served': [' && peer[1] == uid', ''],
  'a shortage that ends an init that waits': ['else if (is_shortage(next))', 'else if (0)'],
  'a call to serve on with others after it': [' || index + 1 != count', ''],
};

const lack = missing();
describe('the init, under libFuzzer', { skip: lack ?? false }, () => {
  it('keeps to its rules whatever it is sent', () => {
    const { status, report } = fuzz(compile(join(root, 'native')), [`-max_total_time=${SECONDS}`, '-timeout=20']);
    assert.equal(status, 0, report.slice(-6000));
    const runs = Number(/number_of_executed_units: (\d+)/.exec(report)?.[1]);
    const edges = [...report.matchAll(/ cov: (\d+)/g)].map(([, cov]) => Number(cov));
    console.log(`${runs} inputs, ${edges[0]} edges at first and ${edges.at(-1)} at the end`);
    assert.ok(runs > 1000);
  });

  for (const [what, [right, wrong]] of Object.entries(WRONG))
    it(`notices ${what}`, () => {
      const native = mkdtempSync(join(folder, 'native-'));
      mkdirSync(join(native, 'init'));
      copyFileSync(join(root, 'native/freestanding.h'), join(native, 'freestanding.h'));
      const sources = ['init.c', 'batches.h'].map((name) => join('init', name));
      const texts = sources.map((path) => readFileSync(join(root, 'native', path), 'utf8'));
      assert.equal(texts.join('').split(right).length, 2, `once in the sources: ${right}`);
      sources.forEach((path, i) => {
        writeFileSync(join(native, path), texts[i]?.replace(right, wrong) ?? '');
      });
      const { status, report } = fuzz(compile(native), ['-runs=20000']);
      assert.notEqual(status, 0);
      assert.match(report, /not so: |runtime error: |AddressSanitizer: /);
    });
});
