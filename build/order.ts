/**
 * Which of the bytecode a command uses, found by running some: laid out in that order, a start touches fewer pages
 * (docs/performance.md).
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Each parses, looks at an empty state root, and fails or lists nothing: a build makes no container. */
const RUNS = [
  ['create', '--bundle', 'nowhere', 'x'],
  ['start', 'x'],
  ['state', 'x'],
  ['kill', 'x'],
  ['delete', 'x'],
  ['list'],
];

/**
 * @param engine linked already, with its addon beside it
 * @returns the files that Bun's linker takes as `--bytecode-order`; fewer where a run broke off
 */
export function recordOrder(engine: string, work: string): string[] {
  const files = RUNS.map((argv, index) => {
    const file = join(work, `order-${index}`);
    const env = { BUN_BYTECODE_ORDER_OUT: file, BUN_JSC_useJIT: '0' };
    spawnSync(engine, ['--root', join(work, 'state'), ...argv], { cwd: work, env, stdio: 'ignore', timeout: 10_000 });
    return file;
  });
  return files.filter((file) => existsSync(file));
}
