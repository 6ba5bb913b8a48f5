/**
 * Runs our C programs' own sources under libFuzzer, with the sanitizers for addresses and undefined behaviour. A
 * harness has a kernel of its own in the place of the system calls, and the rules that it holds the program to. Each
 * fault that must be noticed has a file of messages that shows it by itself.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../build/compiler.ts';

const root = join(import.meta.dirname, '../..');
const FLAGS = ['-std=gnu11', '-g', '-O1', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'];
const SECONDS = 20;
const TOLD = /not so: |runtime error: |AddressSanitizer: /;

/** A fault that the source once had, or that must be noticed. */
export interface Wrong {
  /** In one of the sources, and what stands in its place. */
  readonly right: string;
  readonly wrong: string;
  /** The file that shows it by itself. Random inputs find most faults in time, but none for sure. */
  readonly seed: string;
}

export interface Fuzzed {
  /** The harness, and the folder of what it begins with: below test/fuzz. */
  readonly harness: string;
  readonly seeds: string;
  /** The sources that faults are planted in: below native. */
  readonly sources: readonly string[];
  /** The longest input, in bytes. */
  readonly longest: number;
}

/** What is missing to run it; undefined where nothing is. @param folder for temporary files */
export function missing(folder: string): string | undefined {
  if (findProgram('clang') === undefined) return 'clang is not installed';
  const empty = 'int LLVMFuzzerTestOneInput(void) { return 0; }';
  const options = ['-fsanitize=fuzzer,address', '-x', 'c', '-', '-o', join(folder, 'empty')];
  return spawnSync('clang', options, { input: empty }).status === 0 ? undefined : 'libFuzzer is not installed';
}

/** Runs the program on the seeds, and then on what becomes of them. @throws AssertionError where it breaks a rule */
export function assertKept(fuzzed: Fuzzed, folder: string): void {
  const program = compile(fuzzed, join(root, 'native'), folder);
  const seeds = join(import.meta.dirname, fuzzed.seeds);
  const alone = run(
    program,
    folder,
    readdirSync(seeds).map((name) => join(seeds, name)),
  );
  assert.equal(alone.status, 0, alone.report.slice(-6000));
  const found = mkdtempSync(join(folder, 'found-'));
  const options = [`-max_len=${fuzzed.longest}`, `-max_total_time=${SECONDS}`, '-timeout=20', '-print_final_stats=1'];
  const { status, report } = run(program, folder, [...options, found, seeds]);
  assert.equal(status, 0, report.slice(-6000));
  const runs = Number(/number_of_executed_units: (\d+)/.exec(report)?.[1]);
  const edges = [...report.matchAll(/ cov: (\d+)/g)].map(([, cov]) => Number(cov));
  console.log(`${runs} inputs, ${edges[0]} edges at first and ${edges.at(-1)} at the end`);
  assert.ok(runs > 1000);
}

/** Plants a fault, and runs the program on the seed as it is. @throws AssertionError where nothing is noticed */
export function assertNoticed(fuzzed: Fuzzed, fault: Wrong, folder: string): void {
  const program = compile(fuzzed, withFault(fuzzed, fault, folder), folder);
  const { status, report } = run(program, folder, [join(import.meta.dirname, fuzzed.seeds, fault.seed)]);
  assert.notEqual(status, 0, report);
  assert.match(report, TOLD);
}

/** @param native the folder that has the sources */
function compile({ harness }: Fuzzed, native: string, folder: string): string {
  const program = join(mkdtempSync(join(folder, 'program-')), 'fuzz');
  execFileSync('clang', [...FLAGS, '-I', native, '-o', program, join(import.meta.dirname, harness)], {
    stdio: 'inherit',
  });
  return program;
}

function run(program: string, folder: string, options: readonly string[]) {
  const { status, stderr } = spawnSync(program, [`-artifact_prefix=${folder}/`, ...options], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { status, report: stderr };
}

/** @returns a folder like native/, where the sources have the fault */
function withFault({ sources }: Fuzzed, { right, wrong }: Wrong, folder: string): string {
  const native = mkdtempSync(join(folder, 'native-'));
  const isC = (path: string) => !path.endsWith('.ts');
  cpSync(join(root, 'native'), native, { recursive: true, filter: isC });
  const texts = sources.map((path) => readFileSync(join(native, path), 'utf8'));
  assert.equal(texts.join('').split(right).length, 2, `once in the sources: ${right}`);
  sources.forEach((path, i) => {
    writeFileSync(join(native, path), texts[i]?.replace(right, () => wrong) ?? '');
  });
  return native;
}
