/** Tries a fault on a runtime: a bundle is made, `run` is called, and what it says comes back. */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../../spec/types.ts';
import { shellConfig, writeConfig } from '../bundle.ts';
import { smallRootfs } from '../containers.ts';
import type { Fault } from './faults.ts';

export interface Tried {
  readonly status: number | null;
  /** The last line of its log. */
  readonly message: string;
  /** The whole of that line, as JSON. */
  readonly line: Readonly<Record<string, unknown>>;
  readonly bundle: string;
}

export interface Command {
  /** The runtime, or a program that executes it, with arguments. */
  readonly words: readonly [program: string, ...before: string[]];
  /** Takes out of a config what this runtime cannot do here. */
  readonly changed?: (config: Config) => Config;
}

/**
 * @param folder for the bundle, the state root and the log; `busybox` is in it
 * @param look called before the bundle is removed
 */
export function tryFault(
  command: Command,
  folder: string,
  id: string,
  fault: Fault,
  look?: (tried: Tried) => void,
): Tried {
  const bundle = join(folder, 'bundle');
  const log = join(folder, 'log');
  mkdirSync(bundle);
  try {
    return tryIn(command, { folder, bundle, log, id }, fault, look);
  } finally {
    rmSync(bundle, { recursive: true });
  }
}

interface Place {
  readonly folder: string;
  readonly bundle: string;
  readonly log: string;
  readonly id: string;
}

function tryIn(
  { words: [program, ...before], changed = (config) => config }: Command,
  { folder, bundle, log, id }: Place,
  fault: Fault,
  look?: (tried: Tried) => void,
): Tried {
  smallRootfs(join(bundle, 'rootfs'), join(folder, 'busybox'));
  // crun 1.8 knows no later version.
  const config = { ...shellConfig('true'), ociVersion: '1.0.2' };
  writeConfig(bundle, changed(fault.config?.(config, bundle) ?? config));
  fault.prepare?.(bundle);
  const globals = ['--root', join(folder, 'root'), '--log', log, '--log-format', 'json'];
  const output = openSync(join(folder, 'output'), 'w');
  // Not /dev/null: crun gives its standard descriptors to the container's root.
  writeFileSync(join(folder, 'input'), '');
  const input = openSync(join(folder, 'input'), 'r');
  try {
    const stdio = [input, output, output] as const;
    const { status } = spawnSync(program, [...before, ...globals, 'run', '--bundle', bundle, id], {
      stdio: [...stdio],
    });
    const line = lastError(
      existsSync(log) ? readFileSync(log, 'utf8') : '',
      readFileSync(join(folder, 'output'), 'utf8'),
    );
    const tried = { status, message: String(line.msg), line, bundle };
    look?.(tried);
    return tried;
  } finally {
    spawnSync(program, [...before, ...globals, 'delete', '--force', id], { stdio: [input, output, output] });
    closeSync(output);
    closeSync(input);
    for (const path of LEFT) attemptToRemove(join(path, id));
    fault.restore?.(bundle);
    rmSync(log, { force: true });
  }
}

/** The last error of a log. crun sometimes writes to standard error alone, as JSON or as plain text. */
function lastError(log: string, output: string): Tried['line'] {
  const lines = `${output}\n${log}`.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Tried['line']];
    } catch {
      return [];
    }
  });
  return lines.findLast(({ level }) => level === 'error') ?? { msg: output.trim() };
}

/** Where crun leaves a cgroup behind after some faults. */
const LEFT = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'];

function attemptToRemove(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Most remove their cgroups themselves.
  }
}

/** Puts busybox where `tryFault` links it from. */
export const placeBusybox = (folder: string): void => copyFileSync('/bin/busybox', join(folder, 'busybox'));
