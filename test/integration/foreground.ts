/** Runs containers in the foreground of a process of their own, for tests. */

import assert from 'node:assert/strict';
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRuntime } from '../../library/index.ts';
import type { ForegroundOptions } from '../../runtime/foreground/foreground.ts';
import type { Config } from '../../spec/types.ts';
import { makeBundle, workFolder } from './bundle.ts';
import type { Driven } from './foreground-driver.ts';
import { containersIn } from './nothing-left.ts';

const DRIVER = join(import.meta.dirname, 'foreground-driver.ts');
/** runchart ships with Bun. */
const BUN = join(import.meta.dirname, '../../node_modules/.bin/bun');

interface Running {
  readonly child: ChildProcess;
  /** The pid of the process that stands for the container. */
  readonly pid: number;
  /** What has come over pipes so far. */
  output(): string;
  errors(): string;
  /** The exit status. If signal n ended the process itself, it is 128 + n as a negative number. */
  readonly ended: Promise<number>;
}

export interface StartOptions {
  readonly options?: Partial<ForegroundOptions>;
  readonly stdio?: StdioOptions;
  /** A command that executes its arguments, to run the driver by. */
  readonly through?: readonly string[];
}

export function foregroundTests(name: string) {
  const work = workFolder(name);
  const root = join(work.path, 'state');
  const running: Running[] = [];
  let count = 0;
  const containers = (): readonly string[] => containersIn(root);

  return {
    path: work.path,
    root,
    /** Makes an id that no other test has, and a bundle for it. */
    make(config: Config): { readonly id: string; readonly bundle: string } {
      const id = `runchart-test-${process.pid}-${name}-${count++}`;
      return { id, bundle: makeBundle(join(work.path, id), config) };
    },
    start(
      { id, bundle }: { id: string; bundle: string },
      { options, stdio, through = [] }: StartOptions = {},
    ): Running {
      const driven: Driven = { id, bundle, root, ...(options && { options }) };
      const [command = BUN, ...argv] = [...through, BUN, DRIVER, JSON.stringify(driven)];
      const child = spawn(command, argv, { stdio: stdio ?? ['ignore', 'pipe', 'pipe'] });
      const text = { output: '', errors: '' };
      child.stdout?.setEncoding('latin1').on('data', (data: string) => {
        text.output += data;
      });
      child.stderr?.setEncoding('latin1').on('data', (data: string) => {
        text.errors += data;
      });
      const ended = new Promise<number>((resolve) => {
        child.once('close', (status, signal) => resolve(signal === null ? (status ?? 0) : -1));
      });
      const one: Running = {
        child,
        pid: child.pid ?? 0,
        output: () => text.output,
        errors: () => text.errors,
        ended,
      };
      running.push(one);
      return one;
    },
    containers,
    /** Ends what failed tests have left, and says so. */
    async finish(): Promise<void> {
      for (const { child } of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await Promise.all(running.map((one) => one.ended));
      const left = containers();
      const runtime = openRuntime({ root });
      for (const id of left) await runtime.container(id).delete({ force: true });
      work.remove();
      assert.deepEqual(left, [], 'no container is left');
    },
  };
}

/** The children of a process, and their states. */
export function childrenOf(pid: number): readonly { readonly pid: number; readonly state: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [state = '', parent] = readFileSync(`/proc/${name}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return Number(parent) === pid ? [{ pid: Number(name), state }] : [];
      } catch {
        return [];
      }
    });
}
