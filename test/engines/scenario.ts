/**
 * Scenarios of an engine: shell scripts, played with our runtime below it and with Debian's runc, and compared.
 * A script says what a user would type; what it prints, statuses by `try`, is what is looked at.
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
  /** All that it prints, both streams in one, made `plain`; or what must be found in that. */
  readonly expected: string | RegExp;
  /** What differs between two runs of any runtime besides what `plain` knows: each match becomes `…`. */
  readonly varying?: RegExp;
  /** Why it can't be played here; false where it can. */
  readonly skip?: string | false;
  /** Why its text, which is as expected, need not be runc's to the letter. */
  readonly unlike?: string;
}

/** An engine of the test's own, which runs containers by one runtime. */
export interface Engine {
  readonly runtime: string;
  /** Where it puts everything; scripts are played in a folder below it. */
  readonly folder: string;
  /** `PATH` finds the engine's client first. */
  readonly env: NodeJS.ProcessEnv;
}

const PATIENCE_MS = 120_000 * PATIENCE;

/** Makes what every script may call, in a folder that comes first in PATH. */
export function scriptPrograms(bin: string): void {
  mkdirSync(bin, { recursive: true });
  // The status of a command, as a line after what it printed.
  program(bin, 'try', '"$@"\necho "[$?]"');
  // Waits until a shell command succeeds.
  program(
    bin,
    'wait_until',
    'for n in $(seq 1000); do sh -c "$1" > /dev/null 2>&1 && exit 0; sleep 0.05; done\necho "never: $1"; exit 1',
  );
  // Force, which races with the monitor's own cleaning up, by design or not.
  program(bin, 'put_away', 'wait_until "podman rm --force --time 0 --ignore $*"');
  // In a terminal of its own; what it types comes from standard input.
  program(bin, 'in_terminal', 'exec script --quiet --return --command "$1" /dev/null');
}

/** @param ours undefined where the engine could not be started; `runc` where there is no runc */
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
  // Where runc itself does not do what is expected, ours need not look like it.
  const peerIsRight = typeof expected === 'string' ? peer === expected : expected.test(peer);
  if (peerIsRight) assert.equal(own, peer);
  else t.diagnostic(`runc does worse: ${JSON.stringify(peer)}`);
}

/** @returns what the script printed, made plain */
async function play(engine: Engine, { script, varying }: Scenario): Promise<string> {
  const folder = mkdtempSync(join(engine.folder, 'script-'));
  const file = join(folder, '.printed');
  // Not a pipe, which would end only with the container that inherits it.
  const output = openSync(file, 'a');
  try {
    const child = spawn('sh', ['-c', script], {
      cwd: folder,
      env: { ...engine.env, FOLDER: folder },
      stdio: ['ignore', output, output],
      detached: true,
    });
    const { pid } = child;
    // The script's whole process group, which is ours alone.
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

/** Without names that differ each time, and without the words that differ between runtimes. */
function plain(text: string): string {
  return (
    text
      .replace(/\r+\n/g, '\n')
      .replace(/\b[0-9a-f]{64}\b/g, 'ID')
      .replace(/\b[0-9a-f]{12}\b/g, 'ID')
      .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)?( UTC)?/g, 'TIME')
      .replace(/\brunc(hart)?\b/g, 'RUNTIME')
      // docker's client says it or not, as it happens.
      .replace(/^time="TIME" level=error msg="error waiting for container: context canceled"\n/gm, '')
      // Where our messages say more: the errno by its name.
      .replace(/ \(E[A-Z0-9]+\)/g, '')
  );
}
