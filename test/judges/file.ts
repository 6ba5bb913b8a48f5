/** Runs one test file of a judge, away from the rest of the machine. */

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { quoted } from '../engines/program.ts';
import type { Command } from './suite.ts';
import { readTap, type Told } from './tap.ts';

const CGROUPS = '/sys/fs/cgroup';
/** How often it is looked whether a file goes on. */
const LOOK_MS = 5000;
/** A file is ended when it has printed nothing for this long. */
const PATIENCE_MS = 300_000 * Number(process.env.RUNCHART_TEST_PATIENCE ?? 1);

interface Surroundings {
  /** The folder for its temporary files. */
  readonly temporary: string;
  /** Names of cgroups that tests may leave; they are removed. */
  readonly left: readonly RegExp[];
  /** Whether it sees cgroup v2 in the place of what this machine has. */
  readonly onlyV2: boolean;
  readonly stop: AbortSignal;
}

/**
 * It has mounts and processes of its own, so that nothing of these is left.
 * @throws Error if it is to stop
 */
export async function runFile(command: Command, { temporary, left, onlyV2, stop }: Surroundings): Promise<Told[]> {
  const own = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const view = onlyV2 ? `mount -t cgroup2 cgroup2 ${CGROUPS} && ` : '';
  const called = [command.command, ...command.args];
  const output = join(temporary, 'printed');
  const words = command.terminal ? inTerminal(called, output) : called;
  const child = spawn('unshare', [...own, 'sh', '-c', `${view}exec "$@"`, 'sh', ...words], {
    cwd: command.cwd,
    env: { ...process.env, TMPDIR: temporary, ...command.env },
    // script(1) never waits again once its standard input has come to its end: so that stays open.
    stdio: [command.terminal ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    signal: stop,
    killSignal: 'SIGKILL',
  });
  let printed = '';
  let silence: NodeJS.Timeout | undefined;
  const heard = (text = ''): void => {
    printed += text;
    clearTimeout(silence);
    silence = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  };
  heard();
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', heard);
  let size = 0;
  const looking = setInterval(() => {
    const now = statSync(output, { throwIfNoEntry: false })?.size ?? 0;
    if (now !== size) heard();
    size = now;
  }, LOOK_MS);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearTimeout(silence);
  clearInterval(looking);
  if (existsSync(output)) printed += readFileSync(output, 'utf8');
  rmSync(output, { force: true });
  removeCgroups(CGROUPS, left);
  return readTap(printed.replaceAll('\r', ''), status);
}

/** What a test prints goes to a file: a flood of lines through the terminal takes script(1) many minutes. */
const inTerminal = (words: readonly string[], output: string): string[] => [
  'script',
  '--quiet',
  '--return',
  '--flush',
  '--command',
  `${words.map(quoted).join(' ')} > ${quoted(output)} 2>&1`,
  '/dev/null',
];

/** Removes cgroups of these names below each hierarchy, with those inside of them. */
function removeCgroups(folder: string, names: readonly RegExp[], depth = 0): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    if (names.some((name) => name.test(entry.name))) removeTree(path);
    else if (depth === 0) removeCgroups(path, names, 1);
  }
}

function removeTree(path: string): void {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory()) removeTree(join(path, entry.name));
    rmdirSync(path);
  } catch {
    // Somebody has removed it meanwhile, or a process of another run is in it.
  }
}
