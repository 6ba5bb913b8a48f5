/**
 * Scenarios of an engine: shell scripts, which are played with our runtime below the engine and with Debian's runc. A
 * script says what a user would type. What it prints, and the statuses that `try` adds, are compared.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { PATIENCE } from '../integration/patience.ts';
import { program } from './program.ts';

export interface Scenario {
  readonly title: string;
  readonly script: string;
  /** All that it prints on both streams, made `plain`; or what must be found in that. */
  readonly expected: string | RegExp;
  /** What differs between two runs of any runtime and is not known to `plain`. Each match becomes `…`. */
  readonly varying?: RegExp;
  /** Why it cannot be played here; false if it can. */
  readonly skip?: string | false;
  /** Why its text, though as expected, may differ from runc's. */
  readonly unlike?: string;
}

/** An engine for the test alone, which runs containers by one runtime. */
export interface Engine {
  readonly runtime: string;
  /** Where it puts everything. Scripts are played in a folder below. */
  readonly folder: string;
  /** `PATH` begins with a folder that has the client of the engine. */
  readonly env: NodeJS.ProcessEnv;
}

const PATIENCE_MS = 120_000 * PATIENCE;

/** Makes the programs that every script may call, in a folder that comes first in PATH. */
export function scriptPrograms(bin: string): void {
  mkdirSync(bin, { recursive: true });
  // Prints the status of a command, as a line after its output.
  program(bin, 'try', '"$@"\necho "[$?]"');
  // Waits until a shell command succeeds.
  program(
    bin,
    'wait_until',
    'for n in $(seq 1000); do sh -c "$1" > /dev/null 2>&1 && exit 0; sleep 0.05; done\necho "never: $1"; exit 1',
  );
  // Removal by force races with the cleaning up of the monitor itself, whether by design or not.
  program(bin, 'put_away', 'wait_until "podman rm --force --time 0 --ignore $*"');
  // Runs a command in a terminal of its own. What is typed there comes from standard input.
  program(bin, 'in_terminal', 'exec script --quiet --return --command "$1" /dev/null');
}

/** @param engines `ours` is undefined if the engine could not be started, and `runc` if there is no runc */
export function playAll(
  scenarios: readonly Scenario[],
  engines: () => { readonly ours: Engine; readonly runc: Engine | undefined },
): void {
  for (const scenario of scenarios)
    it(scenario.title, { skip: scenario.skip ?? false }, async (t) => {
      const { ours, runc } = engines();
      const [own, peer] = await Promise.all([play(ours, scenario), runc && play(runc, scenario)]);
      compare(t, scenario, own, peer);
    });
}

function compare(t: TestContext, { expected, unlike }: Scenario, own: string, peer: string | undefined): void {
  if (typeof expected === 'string') assert.equal(own, expected);
  else assert.match(own, expected);
  if (peer === undefined || unlike !== undefined) return;
  // If runc itself does not do what is expected, ours need not look like it.
  const peerIsRight = typeof expected === 'string' ? peer === expected : expected.test(peer);
  if (peerIsRight) assert.equal(own, peer);
  else t.diagnostic(`runc does worse: ${JSON.stringify(peer)}`);
}

/** @returns the output of the script, made plain */
async function play(engine: Engine, { script, varying }: Scenario): Promise<string> {
  const folder = mkdtempSync(join(engine.folder, 'script-'));
  const file = join(folder, '.printed');
  // A pipe would end only with the container that inherits it.
  const output = openSync(file, 'a');
  try {
    const child = spawn('sh', ['-c', script], {
      cwd: folder,
      env: { ...engine.env, FOLDER: folder },
      stdio: ['ignore', output, output],
      detached: true,
    });
    const { pid } = child;
    // This kills the process group of the script, which holds nothing else.
    const limit = setTimeout(() => pid !== undefined && process.kill(-pid, 'SIGKILL'), PATIENCE_MS);
    const signal = await new Promise<NodeJS.Signals | null>((done, failed) => {
      child.once('error', failed);
      child.once('close', (_, end) => done(end));
    });
    clearTimeout(limit);
    const printed = readFileSync(file, 'utf8');
    assert.equal(signal, null, `the script took too long; it printed ${printed}`);
    const text = plain(printed.replaceAll(folder, 'FOLDER').replaceAll(engine.folder, 'ENGINE'));
    return varying === undefined ? text : text.replace(varying, '…');
  } finally {
    closeSync(output);
  }
}

/** Replaces names that differ each time, and removes the words that differ between runtimes. */
export function plain(text: string): string {
  return (
    text
      .replace(/\r+\n/g, '\n')
      .replace(/\b[0-9a-f]{64}\b/g, 'ID')
      .replace(/\b[0-9a-f]{12}\b/g, 'ID')
      .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)?( UTC)?/g, 'TIME')
      .replace(/\brunc(hart)?\b/g, 'RUNTIME')
      // docker's client prints this line or not, by chance.
      .replace(/^time="TIME" level=error msg="error waiting for container: context canceled"\n/gm, '')
      // Our messages also give the name of the errno.
      .replace(/ \(E[A-Z0-9]+\)/g, '')
      // … and, behind the words that they share, why it failed (docs/errors.md).
      .replace(/(?<=permission denied|no such file or directory|exec format error|not found in \$PATH) \([^()]+\)/g, '')
  );
}
