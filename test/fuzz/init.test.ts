/**
 * Messages of all kinds to the init's own source (native/init/init.c), by libFuzzer, with the sanitizers for addresses
 * and undefined behaviour. fuzz/init.c has the rules that each call and each answer is held to; fuzz/messages, what it
 * begins with.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** A fault that the source once had, or that must be noticed. */
interface Wrong {
  /** In the source, and what stands in its place. */
  readonly right: string;
  readonly wrong: string;
  /** The file of fuzz/messages that shows it by itself. Random inputs find most faults in time, but none for sure. */
  readonly seed: string;
}

const WRONG: Record<string, Wrong> = {
  'an index of a result that is not checked': {
    ...{ right: 'call->args[i] >= index', wrong: '0', seed: 'result-of-the-call-itself' },
  },
  'an answer larger than its half': { right: ' && answer <= half', wrong: '', seed: 'answer-that-does-not-fit' },
  'a message larger than its half': { right: 'm->size <= half && ', wrong: '', seed: 'message-that-does-not-fit' },
  'more calls than the message has': {
    ...{ right: ' && m->size >= sizeof *m + calls', wrong: '', seed: 'fewer-calls-than-it-says' },
  },
  'a malformed message that ends an init that waits': {
    ...{ right: 'if (!again.flags)', wrong: 'if (!again.flags || !lost)', seed: 'malformed-while-it-waits' },
  },
  'out buffers with bytes of earlier answers': { right: 'at[i] = 0', wrong: '', seed: 'out-buffers-after-results' },
  'a connection that begins as if stopped': {
    ...{ right: 'lost = stopped = 0', wrong: 'lost = 0', seed: 'stopped-as-its-connection-ends' },
  },
  'a call to serve on that asks for results': {
    ...{ right: ' || call->flags & RESULTS', wrong: '', seed: 'waits-on-a-result' },
  },
  'a stranger who is served': { right: ' && peer[1] == uid', wrong: '', seed: 'waits-for-many-connections' },
  'a shortage that ends an init that waits': {
    ...{ right: 'else if (is_shortage(next))', wrong: 'else if (0)', seed: 'waits-for-many-connections' },
  },
  'a call to serve on with others after it': {
    ...{ right: ' || index + 1 != count', wrong: '', seed: 'waits-with-a-call-after-it' },
  },
};

/** Runs the program on the seeds as they are. */
function runSeeds(program: string, names: readonly string[]): { status: number | null; report: string } {
  const { status, stderr } = spawnSync(
    program,
    [`-artifact_prefix=${folder}/`, ...names.map((name) => join(seeds, name))],
    { encoding: 'utf8' },
  );
  return { status, report: stderr };
}

/** @returns a folder like native/, where the init has the fault */
function withFault({ right, wrong }: Wrong): string {
  const native = mkdtempSync(join(folder, 'native-'));
  mkdirSync(join(native, 'init'));
  copyFileSync(join(root, 'native/freestanding.h'), join(native, 'freestanding.h'));
  const sources = ['init.c', 'batches.h'].map((name) => join('init', name));
  const texts = sources.map((path) => readFileSync(join(root, 'native', path), 'utf8'));
  assert.equal(texts.join('').split(right).length, 2, `once in the sources: ${right}`);
  sources.forEach((path, i) => {
    writeFileSync(join(native, path), texts[i]?.replace(right, wrong) ?? '');
  });
  return native;
}

const lack = missing();
describe('the init, under libFuzzer', { skip: lack ?? false }, () => {
  it('keeps to its rules whatever it is sent', () => {
    const program = compile(join(root, 'native'));
    const alone = runSeeds(program, readdirSync(seeds));
    assert.equal(alone.status, 0, alone.report.slice(-6000));
    const { status, report } = fuzz(program, [`-max_total_time=${SECONDS}`, '-timeout=20']);
    assert.equal(status, 0, report.slice(-6000));
    const runs = Number(/number_of_executed_units: (\d+)/.exec(report)?.[1]);
    const edges = [...report.matchAll(/ cov: (\d+)/g)].map(([, cov]) => Number(cov));
    console.log(`${runs} inputs, ${edges[0]} edges at first and ${edges.at(-1)} at the end`);
    assert.ok(runs > 1000);
  });

  for (const [what, fault] of Object.entries(WRONG))
    it(`notices ${what}`, () => {
      const { status, report } = runSeeds(compile(withFault(fault)), [fault.seed]);
      assert.notEqual(status, 0, report);
      assert.match(report, /not so: |runtime error: |AddressSanitizer: /);
    });
});
