/** `runchart conform` itself: what its flags mean, and what it prints. */

import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { isatty } from 'node:tty';
import type { Variable } from '../native/calls/process.ts';
import type { Kernel } from '../native/kernel/kernel.ts';
import { environmentOf } from '../runtime/host/environment.ts';
import type { Host } from '../runtime/host/host.ts';
import { print, tryWriteAll } from '../runtime/host/output.ts';
import { absolutePath } from '../runtime/host/path.ts';
import { type Conformance, conform } from './conform.ts';
import { keepBundles } from './lab/lab.ts';
import { PROFILES } from './model/model.ts';
import { jsonReport } from './report/json.ts';
import { tapReport } from './report/tap.ts';
import { textReport } from './report/text.ts';

/** The command's flags, as they were given. */
interface Flags {
  readonly runtime?: string | undefined;
  readonly profile: string;
  readonly format: string;
  readonly runs: string;
  readonly seed?: string | undefined;
  /** In seconds. */
  readonly patience: string;
  readonly bundles?: string | undefined;
}

export interface Asked extends Flags {
  readonly host: Host;
  readonly kernel: Kernel;
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
  const { host, kernel } = asked;
  const profile = PROFILES.find((name) => name === asked.profile);
  if (profile === undefined) throw new Error(`--profile ${asked.profile}: it must be spec or runc`);
  const report = FORMATS.get(asked.format);
  if (report === undefined) throw new Error(`--format ${asked.format}: it must be text, json or tap`);
  const runs = whole('runs', asked.runs, 0);
  const patience = whole('patience', asked.patience, 1) * 1000;
  const seed = asked.seed === undefined ? Date.now() % 1_000_000 : whole('seed', asked.seed, 0);
  if (asked.bundles !== undefined) {
    writeBundles(absolutePath(host, asked.bundles), host.pid);
    return 0;
  }
  const env = variablesOf(environmentOf(host, kernel));
  const program = find(asked.runtime, host, env.PATH ?? '');
  if (host.uid !== 0) throw new Error('conform needs root: it makes containers, and looks at their cgroups');
  const progress = isatty(2) ? percent((text) => tryWriteAll(kernel, 2, text)) : undefined;
  const where = { program, parent: env.TMPDIR || '/tmp', env, pid: host.pid, patience };
  const result = await untilSignal((signal) => conform({ ...where, profile, runs, seed, signal, progress }));
  print(kernel, report(result));
  return result.deviations.length === 0 ? 0 : DEVIATES;
}

/** @throws Error of one line */
function whole(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > 0x7fffffff)
    throw new Error(`--${flag} ${text}: it must be a whole number from ${least} on`);
  return value;
}

/** Node's modules hand on no variable that is no text. */
function variablesOf(env: readonly Variable[]): Record<string, string> {
  const texts = env.filter((variable) => typeof variable === 'string');
  const pairs = texts.map((text): [string, string] => {
    const equals = text.indexOf('=');
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

/** @throws Error of one line */
function writeBundles(folder: string, pid: number): void {
  if (existsSync(folder)) throw new Error(`write the bundles: ${folder} exists already: name a new directory`);
  mkdirSync(folder, { recursive: true });
  keepBundles(folder, pid);
}

/** @returns the absolute path of a program. @throws Error of one line */
function find(name: string | undefined, host: Host, directories: string): string {
  if (name === undefined || name === '') throw new Error('conform needs --runtime PATH: the program to check');
  const paths = name.includes('/')
    ? [absolutePath(host, name)]
    : directories.split(':').map((directory) => join(directory, name));
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
    process.once(name, listener);
    return () => process.removeListener(name, listener);
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
