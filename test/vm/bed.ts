/**
 * The second test bed: test files inside a machine with systemd, cgroup v2 and AppArmor. They are counted with the
 * others.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Progress } from '../runner/progress.ts';
import { counter, skip, type Tally } from '../runner/tally.ts';
import { type Image, testImage, UnreachableError } from './image.ts';
import { type Kind, USUAL } from './kinds.ts';
import { type Limits, runMachine } from './machine.ts';
import { MOUNTED, payload } from './payload.ts';
import type { Told } from './talk.ts';

const LIMITS: Limits = { bootMs: 600_000, silenceMs: 660_000 };

interface Bed {
  /** The usual one by default. */
  readonly kind?: Kind;
  readonly repository: string;
  readonly tally: Tally;
  /** From the root of the repository. */
  readonly files: readonly string[];
  /** Ends the machine. */
  readonly stop: AbortSignal;
  /** Is called with each thing that the machine tells. */
  readonly heard: (what: Told) => void;
}

/** @returns a line about how it went */
export async function runBed(bed: Bed): Promise<string> {
  const { tally, files, stop, kind = USUAL } = bed;
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const skipAll = (reason: string): string => {
    for (const file of files) skip(tally, `${kind.name}: ${file}`, reason);
    return `${kind.name}: skipped: ${reason}`;
  };
  const missing = whatIsMissing();
  if (missing !== undefined) return skipAll(missing);

  const work = mkdtempSync(join(tmpdir(), 'runchart-vm-'));
  try {
    const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'runchart');
    const image = await testImage(kind.recipe, cache, stop);
    const made = seconds();
    await runIn({ ...bed, kind }, image, work);
    return `${kind.name}: ${files.length} files in ${seconds()} (its image: ${made})`;
  } catch (error) {
    if (stop.aborted) return `${kind.name}: ended by ${stop.reason} after ${seconds()}`;
    if (error instanceof UnreachableError) return skipAll(`no packages for the test machine: ${error.message}`);
    tally.failures.push({ title: kind.name, text: String(error) });
    return `${kind.name}: failed after ${seconds()}`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function runIn(bed: Required<Bed>, image: Image, work: string): Promise<void> {
  const { repository, tally, files, stop, heard, kind } = bed;
  const { name, kernelWords } = kind;
  const disk = await payload(repository, work, { files });
  const count = counter(tally, MOUNTED, `${name}: `);
  const machine = { image, kernelWords, payload: disk, work, limits: LIMITS, stop };
  const failure = await runMachine(machine, (what) => {
    heard(what);
    if (what.kind === 'file') hearEnding(name, tally, what);
    else if (what.kind === 'down') hearLeft(name, tally, what.left);
    else if (what.kind !== 'up') count(what);
  });
  if (stop.aborted) throw new Error(failure);
  if (failure !== undefined) tally.failures.push({ title: name, text: failure });
}

/** Lets what the machine tells be seen in the progress of its files. */
export function follow(progress: Progress, what: Told): void {
  if (what.kind === 'start' || what.kind === 'end') progress.hear(relative(MOUNTED, what.file), what.name);
  else if (what.kind === 'file') progress.done(relative(MOUNTED, what.file));
}

/** @returns what the machine tells, in words; nothing if it is not worth a line */
export function spoken(what: Told): string | undefined {
  if (what.kind === 'up') return `up after ${what.seconds} s`;
  if (what.kind === 'end' && !what.suite) return `  ${what.name}: ${outcomeOf(what)}`;
  if (what.kind !== 'file') return undefined;
  return `${relative(MOUNTED, what.file)}: ${(what.ms / 1000).toFixed(1)} s${what.ending ? `, ${what.ending}` : ''}`;
}

const outcomeOf = ({ ms, skipped, failure }: Extract<Told, { kind: 'end' }>): string =>
  skipped !== undefined ? `skipped, ${skipped}` : failure !== undefined ? 'FAILED' : `${(ms / 1000).toFixed(1)} s`;

/** What a file printed is shown with the last of its failures. */
function hearEnding(
  name: string,
  { failures }: Tally,
  { file, ending, printed = '' }: Extract<Told, { kind: 'file' }>,
): void {
  if (ending === undefined) return;
  const title = `${name}: ${relative(MOUNTED, file)}`;
  const output = printed === '' ? '' : `\n--- printed:\n${printed}`;
  const at = failures.findLastIndex((failure) => failure.title.startsWith(title));
  const failure = failures[at];
  if (failure === undefined) failures.push({ title, text: `${ending}${output}` });
  else failures[at] = { ...failure, text: `${failure.text}${output}` };
}

function hearLeft(name: string, { failures }: Tally, left: readonly string[]): void {
  if (left.length > 0) failures.push({ title: `${name}: what the tests left behind`, text: left.join('\n') });
}

function whatIsMissing(): string | undefined {
  if (process.arch !== 'x64') return 'the test machine is made for x86_64';
  if (process.getuid?.() !== 0) return 'root makes the image of the test machine';
  const programs = { 'qemu-system-x86_64': 'qemu-system-x86', mmdebstrap: 'mmdebstrap', mke2fs: 'e2fsprogs' };
  for (const [program, name] of Object.entries(programs))
    if (spawnSync(program, ['--version']).error !== undefined) return `${name} is not installed`;
  return undefined;
}
