/** `runchart conform` itself: what its flags mean, and what it prints. */

import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import nodeProcess from 'node:process';
import { type Conformance, conform } from './conform.ts';
import { keepBundles } from './lab/lab.ts';
import { PROFILES } from './model/model.ts';
import { jsonReport } from './report/json.ts';
import { tapReport } from './report/tap.ts';
import { textReport } from './report/text.ts';

export interface Asked {
  /** A path, absolute, or a name that $PATH has. */
  readonly runtime: string;
  readonly profile: string;
  readonly format: string;
  readonly runs: number;
  /** Undefined for one by chance. */
  readonly seed: number | undefined;
  /** In milliseconds. */
  readonly patience: number;
  /** Where the bundles are written, if nothing is checked. An absolute path. */
  readonly bundles: string | undefined;
  readonly uid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly print: (text: string) => void;
  /** Is shown how far it is. */
  readonly progress: ((text: string) => void) | undefined;
}

const FORMATS: ReadonlyMap<string, (result: Conformance) => string> = new Map([
  ['text', textReport],
  ['json', jsonReport],
  ['tap', tapReport],
]);

/** The exit status if there are deviations. An error of the command itself is 1. */
const DEVIATES = 2;

/** @returns the exit status. @throws Error of one line */
export async function checkRuntime(asked: Asked): Promise<number> {
  const profile = PROFILES.find((name) => name === asked.profile);
  if (profile === undefined) throw new Error(`invalid profile ${JSON.stringify(asked.profile)}: spec or runc`);
  const report = FORMATS.get(asked.format);
  if (report === undefined) throw new Error('invalid format option');
  if (asked.bundles !== undefined) {
    writeBundles(asked.bundles);
    return 0;
  }
  const program = find(asked.runtime, asked.env.PATH ?? '');
  if (asked.uid !== 0) throw new Error('conform needs root: it makes containers, and looks at their cgroups');
  const { runs, patience, env } = asked;
  const result = await untilSignal((signal) =>
    conform({
      program,
      parent: asked.env.TMPDIR || '/tmp',
      env,
      pid: nodeProcess.pid,
      patience,
      profile,
      runs,
      seed: asked.seed ?? Date.now() % 1_000_000,
      signal,
      progress: asked.progress && percent(asked.progress),
    }),
  );
  asked.print(report(result));
  return result.deviations.length === 0 ? 0 : DEVIATES;
}

/** @throws Error of one line */
function writeBundles(folder: string): void {
  if (existsSync(folder)) throw new Error(`write the bundles: ${folder} exists already: name a new directory`);
  mkdirSync(folder, { recursive: true });
  keepBundles(folder, nodeProcess.pid);
}

/** @returns the absolute path of a program. @throws Error of one line */
function find(name: string, directories: string): string {
  const paths = name.includes('/') ? [name] : directories.split(':').map((directory) => join(directory, name));
  const found = paths.find(isProgram);
  if (found === undefined)
    throw new Error(`--runtime ${name}: ${name.includes('/') ? 'there is no such program' : 'it is not in $PATH'}`);
  return found;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** A signal ends the check early: it removes what it has made, then throws. */
async function untilSignal<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const listeners = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
    const listener = () => controller.abort(new Error(`ended by ${name}: what was made has been removed`));
    nodeProcess.once(name, listener);
    return () => nodeProcess.removeListener(name, listener);
  });
  try {
    return await action(controller.signal);
  } finally {
    for (const remove of listeners) remove();
  }
}

/** Tells each whole percent, in one line. */
function percent(show: (text: string) => void): (done: number, all: number) => void {
  let last = -1;
  return (done, all) => {
    const now = Math.floor((100 * done) / Math.max(1, all));
    if (now === last) return;
    last = now;
    show(`\rconform: ${now} %${now >= 99 ? '\n' : ''}`);
  };
}
