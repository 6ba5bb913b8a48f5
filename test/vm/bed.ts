/** The second test bed: test files inside a machine with systemd, cgroup v2 and AppArmor, counted with the others. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { counter, skip, type Tally } from '../runner/tally.ts';
import { type Image, testImage, UnreachableError } from './image.ts';
import { type Limits, runMachine } from './machine.ts';
import { MOUNTED, payload } from './payload.ts';
import type { Told } from './talk.ts';

const LIMITS: Limits = { bootMs: 300_000, silenceMs: 660_000, totalMs: 3_600_000 };
const NAME = 'test machine';

/**
 * @param files from the root of the repository
 * @param say is called with a line for each step
 * @returns a line about how it went
 */
export async function runBed(
  repository: string,
  tally: Tally,
  files: readonly string[],
  say: (line: string) => void = () => {},
): Promise<string> {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const skipAll = (reason: string): string => {
    for (const file of files) skip(tally, `${NAME}: ${file}`, reason);
    return `${NAME}: skipped: ${reason}`;
  };
  const missing = whatIsMissing();
  if (missing !== undefined) return skipAll(missing);

  const work = mkdtempSync(join(tmpdir(), 'runchart-vm-'));
  try {
    const image = await testImage(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'runchart'));
    const made = seconds();
    await runIn({ image, repository, work, tally, files, say });
    return `${NAME}: ${files.length} files in ${seconds()} (its image: ${made})`;
  } catch (error) {
    if (error instanceof UnreachableError) return skipAll(`no packages for the test machine: ${error.message}`);
    tally.failures.push({ title: NAME, text: String(error) });
    return `${NAME}: failed after ${seconds()}`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Run {
  readonly image: Image;
  readonly repository: string;
  readonly work: string;
  readonly tally: Tally;
  readonly files: readonly string[];
  readonly say: (line: string) => void;
}

async function runIn({ image, repository, work, tally, files, say }: Run): Promise<void> {
  const disk = await payload(repository, work, { files });
  const count = counter(tally, MOUNTED, `${NAME}: `);
  const heard = (what: Told): void => {
    if (what.kind === 'up') say(`up after ${what.seconds} s`);
    else if (what.kind === 'file') {
      say(`${relative(MOUNTED, what.file)}: ${(what.ms / 1000).toFixed(1)} s${what.ending ? `, ${what.ending}` : ''}`);
      hearEnding(tally, what);
    } else if (what.kind === 'down') hearLeft(tally, what.left);
    else {
      if (what.kind === 'end' && !what.suite) say(`  ${what.name}: ${outcomeOf(what)}`);
      count(what);
    }
  };
  const failure = await runMachine({ image, payload: disk, work, limits: LIMITS }, heard);
  if (failure !== undefined) tally.failures.push({ title: NAME, text: failure });
}

const outcomeOf = ({ ms, skipped, failure }: Extract<Told, { kind: 'end' }>): string =>
  skipped !== undefined ? `skipped, ${skipped}` : failure !== undefined ? 'FAILED' : `${(ms / 1000).toFixed(1)} s`;

/** What a file printed is told with the last of its failures. */
function hearEnding({ failures }: Tally, { file, ending, printed = '' }: Extract<Told, { kind: 'file' }>): void {
  if (ending === undefined) return;
  const title = `${NAME}: ${relative(MOUNTED, file)}`;
  const output = printed === '' ? '' : `\n--- printed:\n${printed}`;
  const at = failures.findLastIndex((failure) => failure.title.startsWith(title));
  const failure = failures[at];
  if (failure === undefined) failures.push({ title, text: `${ending}${output}` });
  else failures[at] = { ...failure, text: `${failure.text}${output}` };
}

function hearLeft({ failures }: Tally, left: readonly string[]): void {
  if (left.length > 0) failures.push({ title: `${NAME}: what the tests left behind`, text: left.join('\n') });
}

function whatIsMissing(): string | undefined {
  if (process.arch !== 'x64') return 'the test machine is made for x86_64';
  if (process.getuid?.() !== 0) return 'root makes the image of the test machine';
  const programs = { 'qemu-system-x86_64': 'qemu-system-x86', mmdebstrap: 'mmdebstrap', mke2fs: 'e2fsprogs' };
  for (const [program, name] of Object.entries(programs))
    if (spawnSync(program, ['--version']).error !== undefined) return `${name} is not installed`;
  return undefined;
}
