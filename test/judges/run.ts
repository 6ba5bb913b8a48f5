/**
 * Has a judge that others wrote run with `dist/runchart` and with a peer, one file after the other, and tells what
 * fails with ours alone. It fetches nothing: the checkout is made and built beforehand, as its own README says.
 *
 *   node test/judges/run.ts SUITE CHECKOUT [--peer PATH] [--v2] [--record] [--show] [FILE…]
 *
 * SUITE is runc, crun, podman or runtime-tools. FILE is the name of a test file, or a part of it. `--v2` shows the
 * tests cgroup v2 alone, as far as this machine has it. `--show` prints the diagnosis of each unknown failure.
 * `--record` keeps the figures of a whole run in last.json, for docs/conformance.md. The exit status is 1 if something
 * fails with ours alone that is not in expected/SUITE.txt.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { located } from '../engines/program.ts';
import { type Comparison, compare, type Outcomes, readExpected } from './compare.ts';
import { runFile } from './file.ts';
import type { Suite } from './suite.ts';
import { crun } from './suites/crun.ts';
import { podman } from './suites/podman.ts';
import { runc } from './suites/runc.ts';
import { runtimeTools } from './suites/runtime-tools.ts';
import type { Told } from './tap.ts';

const SUITES: Readonly<Record<string, Suite>> = { runc, crun, podman, 'runtime-tools': runtimeTools };
const OURS = join(import.meta.dirname, '../../dist/runchart');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peer: { type: 'string' },
    v2: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    show: { type: 'boolean', default: false },
  },
});
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort(signal));
const stop = ending.signal;
const [name = '', checkout = '', ...wanted] = positionals;
try {
  process.exitCode = (await judge(name, resolve(checkout))) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

async function judge(suiteName: string, from: string): Promise<boolean> {
  const suite = SUITES[suiteName];
  if (suite === undefined) throw new Error(`usage: node test/judges/run.ts ${Object.keys(SUITES).join('|')} CHECKOUT`);
  if (process.getuid?.() !== 0) throw new Error('the suites make containers as root: become root');
  const peer = options.peer ?? peerOf(suite, from);
  checkPrograms(suite, from);
  const files = suite.files(from).filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
  if (files.length === 0) throw new Error(`${from} has none of the test files of ${suiteName}`);
  const folder = mkdtempSync(join(tmpdir(), `runchart-test-${process.pid}-judge-`));
  try {
    const ours = new Map<string, Told>();
    const peers = new Map<string, Told>();
    const rooms = [
      { ours: true, runtime: OURS, outcomes: ours },
      { ours: false, runtime: peer, outcomes: peers },
    ].map(({ outcomes, ...which }) => {
      const own = join(folder, which.ours ? 'ours' : 'peer');
      mkdirSync(join(own, 'tmp'), { recursive: true });
      cpSync(from, join(own, 'checkout'), { recursive: true, verbatimSymlinks: true });
      return {
        outcomes,
        temporary: join(own, 'tmp'),
        opened: suite.open({ ...which, folder: own, checkout: join(own, 'checkout') }),
      };
    });
    for (const file of files) {
      for (const { outcomes, opened, temporary } of rooms)
        for (const told of await runFile(opened.command(file), {
          temporary,
          left: suite.cgroups,
          onlyV2: options.v2,
          stop,
        }))
          outcomes.set(`${titleOf(file)}: ${told.title}`, told);
      console.log(progress(titleOf(file), ours, peers));
    }
    for (const { opened } of rooms) opened.close();
    return report(suiteName, suite, peer, ours, peers);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function titleOf(file: string): string {
  return basename(file).replace(/\.(t|bats|py)$/, '');
}

function peerOf(suite: Suite, from: string): string {
  for (const place of suite.peers) {
    const [program = '', inPath] = place.split(' in ');
    const path = inPath ? located(program) : join(from, program);
    if (path !== undefined && existsSync(path)) return path;
  }
  throw new Error(`there is no peer to compare with (${suite.peers.join(', ')}): name one by --peer PATH`);
}

function checkPrograms(suite: Suite, from: string): void {
  const lacks = Object.entries(suite.programs).filter(([program]) => located(program) === undefined);
  if (lacks.length > 0)
    throw new Error(`missing programs: apt-get install ${lacks.map(([, debian]) => debian).join(' ')}`);
  const unbuilt = Object.entries(suite.built).find(([path]) => !existsSync(join(from, path)));
  if (unbuilt) throw new Error(`${join(from, unbuilt[0])} is missing: in the checkout, run ${unbuilt[1]}`);
  if (!existsSync(OURS)) throw new Error(`${OURS} is missing: npm run build`);
}

function progress(title: string, ours: Outcomes, peers: Outcomes): string {
  const count = (outcomes: Outcomes): string => {
    const all = [...outcomes].filter(([key]) => key.startsWith(`${title}: `)).map(([, { outcome }]) => outcome);
    return `${all.filter((one) => one === 'passed').length} of ${all.length}`;
  };
  return `${title}: ${count(ours)} passed, ${count(peers)} with the peer`;
}

function report(suiteName: string, suite: Suite, peer: string, ours: Outcomes, peers: Outcomes): boolean {
  const expected = readExpected(readFileSync(join(import.meta.dirname, `expected/${suiteName}.txt`), 'utf8'));
  const result = compare(ours, peers, expected);
  const list = (what: string, names: readonly string[]): void => {
    if (names.length > 0) console.log(`\n${what}:\n  ${names.join('\n  ')}`);
  };
  list('fails with both', result.both);
  list('fails with the peer alone', result.peerAlone);
  list('fails with ours alone, and is expected to', result.known);
  list('is expected to fail, and passes: take it out of the list', result.mended);
  list('FAILS WITH OURS ALONE', result.unknown);
  if (options.show)
    for (const test of result.unknown)
      console.log(`\n== ${test}\n${ours.get(test)?.diagnosis.join('\n') ?? '(it never ran)'}`);
  console.log(`\n${suite.about}: ${figures(result)}`);
  if (options.record && wanted.length === 0) record(suiteName, suite, peer, result);
  return result.unknown.length === 0;
}

function figures({ tests, passed, skipped, both, peerAlone, known, unknown }: Comparison): string {
  return (
    `${tests} tests, ${passed} passed, ${skipped} skipped, ${both.length} failed with both, ${peerAlone.length} with ` +
    `the peer alone, ${known.length + unknown.length} with ours alone (${known.length} expected)`
  );
}

/** Keeps the figures of this run, by suite and by what of cgroups it saw. */
function record(suiteName: string, suite: Suite, peer: string, result: Comparison): void {
  const path = join(import.meta.dirname, 'last.json');
  const all: Record<string, unknown> = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  const version = execFileSync(peer, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
  all[options.v2 ? `${suiteName} (cgroup v2)` : suiteName] = {
    about: suite.about,
    date: new Date().toISOString().slice(0, 10),
    peer: version,
    tests: result.tests,
    passed: result.passed,
    skipped: result.skipped,
    failedWithBoth: result.both.length,
    failedWithPeerAlone: result.peerAlone.length,
    failedWithOursAlone: result.known.length + result.unknown.length,
  };
  writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`);
}
