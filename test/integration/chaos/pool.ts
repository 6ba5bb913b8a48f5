/** Victims that have started already and wait for their orders: starting an engine takes longer than dying. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer, Order } from './victim.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
/** It starts in a sixth of the time. */
const BUN = join(REPOSITORY, `node_modules/@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : 'x64'}/bin/bun`);

export interface Victim {
  readonly pid: number;
  /** Ends with it: the signal it died by, or its answer. */
  readonly end: Promise<{ readonly signal: NodeJS.Signals | null; readonly answer: Answer | undefined }>;
  proceed(): void;
}

interface Pool {
  /** Processes that the pool answers for. */
  readonly pids: () => readonly number[];
  obey(order: Order): Victim;
  close(): Promise<void>;
}

export function openPool(size = 2): Pool {
  const engine = existsSync(BUN) ? BUN : process.execPath;
  const pids = new Set<number>();
  const waiting: ChildProcess[] = [];

  function start(): ChildProcess {
    const child = spawn(engine, [join(import.meta.dirname, 'victim.ts')], {
      cwd: REPOSITORY,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { pid } = child;
    if (pid === undefined) throw new Error(`${engine} cannot be started`);
    pids.add(pid);
    child.once('exit', () => pids.delete(pid));
    return child;
  }

  return {
    pids: () => [...pids],
    obey(order) {
      while (waiting.length <= size) waiting.push(start());
      const child = waiting.shift();
      if (child?.pid === undefined || child.stdin === null || child.stdout === null) throw new Error('no victim');
      const { pid } = child;
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      const { promise, resolve } = Promise.withResolvers<Awaited<Victim['end']>>();
      child.once('close', (_status, signal) =>
        resolve({ signal, answer: output === '' ? undefined : (JSON.parse(output) as Answer) }),
      );
      child.stdin.end(JSON.stringify(order));
      return { pid, end: promise, proceed: () => process.kill(pid, 'SIGCONT') };
    },
    async close() {
      await Promise.all(
        waiting.splice(0).map((child) => {
          const gone = new Promise((resolve) => child.once('close', resolve));
          child.kill('SIGKILL');
          return gone;
        }),
      );
    },
  };
}
