/**
 * Records which bytecode commands use, by running some of them. If it is laid out in that order, a start touches fewer
 * pages (docs/performance.md).
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultConfig } from '../spec/default.ts';

/** Each of these parses, looks at an empty state root, and fails or lists nothing. */
const RUNS = [
  ['create', '--bundle', 'nowhere', 'x'],
  ['start', 'x'],
  ['state', 'x'],
  ['kill', 'x'],
  ['delete', 'x'],
  ['list'],
];

/**
 * Runs the commands. `run` matters most, and most of its code is used only if it makes a container. The build may not
 * be allowed to make one; then the command fails, which does no harm.
 * @param engine linked already, with its addon beside it
 * @param program a static program, which the container executes and which ends at once
 * @returns the files for the `--bytecode-order` of Bun's linker, the most important first. There are fewer if a command
 * did not get to its end.
 */
export function recordOrder(engine: string, work: string, program: string): string[] {
  const bundle = join(work, 'bundle');
  mkdirSync(join(bundle, 'rootfs'), { recursive: true });
  copyFileSync(program, join(bundle, 'rootfs/program'));
  const { process: ofDefault, ...config } = defaultConfig({ unifiedCgroups: false });
  const own = { ...ofDefault, terminal: false, args: ['/program'] };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ...config, process: own }));
  const runs = [['run', '--bundle', bundle, `runchart-build-${process.pid}`], ...RUNS];
  const files = runs.map((argv, index) => {
    const file = join(work, `order-${index}`);
    const env = { BUN_BYTECODE_ORDER_OUT: file, BUN_JSC_useJIT: '0' };
    spawnSync(engine, ['--root', join(work, 'state'), ...argv], { cwd: work, env, stdio: 'ignore', timeout: 10_000 });
    return file;
  });
  return files.filter((file) => existsSync(file));
}
