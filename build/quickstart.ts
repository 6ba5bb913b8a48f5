/**
 * `npm run quickstart`: leads one container through its whole life with dist/runchart, and shows each step. The
 * environment variable RUNCHART names another runtime to do it with (runc, to compare). Before the build,
 * build/setup.sh has checked that this machine can run a container.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { makeBundle } from './demo-bundle.ts';

const SCRIPT = [
  'echo "hello from $(hostname): I am process $$, and user $(id -u)"',
  'echo "all that I see:" /*',
  'sleep 1',
  'echo "goodbye"',
].join('\n');
const DEADLINE_MS = 30_000;

const runchart = process.env.RUNCHART || join(import.meta.dirname, '../dist/runchart');
const command = process.env.RUNCHART || relative(process.cwd(), runchart) || runchart;

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

const folder = mkdtempSync(join(tmpdir(), 'runchart-quickstart-'));
const id = `quickstart-${process.pid}`;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => giveUp(`ended by ${signal}`));
try {
  makeBundle(folder, runchart, SCRIPT);
  await showLife();
  showNext();
} catch (error) {
  giveUp(error instanceof Error ? error.message : String(error));
}

function giveUp(why: string): never {
  spawnSync(runchart, ['delete', '--force', id]);
  rmSync(folder, { recursive: true });
  console.error(`quickstart: ${why}`);
  process.exit(1);
}

async function showLife(): Promise<void> {
  const entered: string[] = [];
  const enter = (status: string | undefined) => {
    if (status === undefined || status === entered.at(-1)) return;
    entered.push(status);
    console.log(`  → ${status}`);
  };

  console.log(`A container's life, step by step. "→" is the container's state, "|" is what its program prints.
Its bundle, a root file system and a config.json, is at ${folder}.`);

  step('Make the container. Its program waits.', 'create', '--bundle', folder, id);
  const creation = create();
  while (creation.ended === undefined) {
    enter(statusOf());
    await setTimeout(0);
  }
  succeed('create', creation.ended);
  enter(statusOf());

  step('Ask for its state.', 'state', id);
  console.log(run('state', id).trim().replace(/^/gm, '  '));

  step('Let its program run, to its end.', 'start', id);
  run('start', id);
  const deadline = performance.now() + DEADLINE_MS;
  for (let status = statusOf(); entered.at(-1) !== 'stopped'; status = statusOf()) {
    if (performance.now() > deadline) throw new Error(`the container did not stop within ${DEADLINE_MS / 1000} s`);
    // The last words of its program may still be in the pipe.
    if (status === 'stopped') await creation.outputClosed;
    enter(status);
    await setTimeout(50);
  }

  step('Remove what is left of it.', 'delete', id);
  run('delete', id);
  if (statusOf() !== undefined) throw new Error('the container is still there');
  console.log('  → gone');
}

interface Creation {
  ended: Ended | undefined;
  readonly outputClosed: Promise<void>;
}

/** The container inherits the pipes of `create`, and goes on writing to them when `create` has ended. */
function create(): Creation {
  const child = spawn(runchart, ['create', '--bundle', folder, id], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { promise, resolve } = Promise.withResolvers<void>();
  const creation: Creation = { ended: undefined, outputClosed: promise };
  let stderr = '';
  createInterface({ input: child.stdout }).on('line', (line) => console.log(`  | ${line}`));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.once('error', (error) => {
    creation.ended = { status: 1, stderr: error.message };
  });
  child.once('exit', (status) => {
    creation.ended = { status, stderr };
  });
  child.once('close', (status) => {
    if (status === 0 && stderr !== '') console.log(stderr.trim().replace(/^/gm, '  | '));
    resolve();
  });
  return creation;
}

/** @returns undefined when there is no such container */
function statusOf(): string | undefined {
  const { status, stdout } = spawnSync(runchart, ['state', id], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const state: { status: string } = JSON.parse(stdout);
  return state.status;
}

function run(...argv: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(runchart, argv, { encoding: 'utf8' });
  succeed(argv[0] ?? '', { status, stderr: error?.message ?? stderr });
  return stdout;
}

function succeed(name: string, { status, stderr }: Ended): void {
  if (status !== 0) throw new Error(`${command} ${name} failed: ${stderr.trim()}`);
}

function step(meaning: string, ...argv: readonly string[]): void {
  console.log(`\n# ${meaning}\n$ ${command} ${argv.join(' ')}`);
}

function showNext(): void {
  console.log(`
That was the life of a container. The bundle is still at ${folder}. Next, try

  ${command} run --bundle ${folder} hello
      the same in one command
  ${command} --trace - run --bundle ${folder} traced
      and every system call that it takes
  ${command} create --bundle ${folder} waiting && ${command} list && ${command} delete --force waiting
      a container that waits for its start, in the list of all`);
}
