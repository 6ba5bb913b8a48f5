/** Tries a fault on a runtime: a bundle is made, `run` is called, and what it says comes back. */

import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

/**
 * @param program the runtime
 * @param folder for the bundle, the state root and the log; `busybox` is in it
 * @param look called before the bundle is removed
 */
export function tryFault(
  program: string,
  folder: string,
  id: string,
  fault: Fault,
  look?: (tried: Tried) => void,
): Tried {
  const bundle = join(folder, 'bundle');
  const log = join(folder, 'log');
  mkdirSync(bundle);
  try {
    return tryIn(program, { folder, bundle, log, id }, fault, look);
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
  program: string,
  { folder, bundle, log, id }: Place,
  fault: Fault,
  look?: (tried: Tried) => void,
): Tried {
  smallRootfs(join(bundle, 'rootfs'), join(folder, 'busybox'));
  const config = shellConfig('true');
  writeConfig(bundle, fault.config?.(config, bundle) ?? config);
  fault.prepare?.(bundle);
  const globals = ['--root', join(folder, 'root'), '--log', log, '--log-format', 'json'];
  const output = openSync(join(folder, 'output'), 'w');
  try {
    const stdio = ['ignore', output, output] as const;
    const { status } = spawnSync(program, [...globals, 'run', '--bundle', bundle, id], { stdio: [...stdio] });
    const line = lastError(readFileSync(log, 'utf8'), readFileSync(join(folder, 'output'), 'utf8'));
    const tried = { status, message: String(line.msg), line, bundle };
    look?.(tried);
    return tried;
  } finally {
    spawnSync(program, [...globals, 'delete', '--force', id], { stdio: 'ignore' });
    closeSync(output);
    fault.restore?.(bundle);
    rmSync(log, { force: true });
  }
}

/** The last error of a log. crun sometimes writes to standard error alone. */
function lastError(log: string, output: string): Tried['line'] {
  const lines = log.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Tried['line']];
    } catch {
      return [];
    }
  });
  return lines.findLast(({ level }) => level === 'error') ?? { msg: output.trim().split('\n').at(-1) ?? '' };
}

/** Puts busybox where `tryFault` links it from. */
export const placeBusybox = (folder: string): void => copyFileSync('/bin/busybox', join(folder, 'busybox'));
