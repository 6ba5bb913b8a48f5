/**
 * Runs test files inside the test machine, in Bun and one at a time. It tells the host what happens by lines of JSON on
 * the second serial port (../talk.ts). Node's just-in-time compiler sometimes crashes under emulation; Bun's is
 * switched off.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lasting, leftovers, traces } from '../../integration/leftovers.ts';
import type { Plan } from '../payload.ts';
import type { Told } from '../talk.ts';

const PORT = '/dev/ttyS1';
/** How long one file may take. */
const PATIENCE_MS = 600_000;
const repository = join(import.meta.dirname, '../../..');

// The port must not become the controlling terminal.
const port = openSync(PORT, constants.O_WRONLY | constants.O_NOCTTY);
const tell = (what: Told): void => writeFileSync(port, `${JSON.stringify(what)}\n`);

// Tests of weights for block devices need the first module, and block devices to try them on need the second.
spawnSync('modprobe', ['--all', 'bfq', 'loop']);
execFileSync('stty', ['-F', PORT, 'raw', '-echo']);
const { files }: Plan = JSON.parse(readFileSync(join(import.meta.dirname, '../plan.json'), 'utf8'));
tell({ kind: 'up', seconds: Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) });
const folder = mkdtempSync('/tmp/runchart-test-');
execFileSync('chmod', ['755', folder]);
const before = traces([join(repository, 'dist')], folder);
const pids = files.map((file) => runFile(file));
const left = await lasting(() => leftovers(before, traces([join(repository, 'dist')], folder), new Set(pids)));
tell({ kind: 'down', left });

/** @returns the pid of the process that ran it */
function runFile(file: string): string {
  const output = join(folder, `${file.replaceAll('/', '-')}.output`);
  const fd = openSync(output, 'w');
  const path = join(repository, file);
  const started = performance.now();
  const { pid, status, signal, error } = spawnSync(process.execPath, [path], {
    cwd: repository,
    env: { ...process.env, TMPDIR: folder, RUNCHART_TEST_REPORTS: PORT, RUNCHART_TEST_PATIENCE: '10' },
    stdio: ['ignore', fd, fd],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  closeSync(fd);
  const ending =
    error !== undefined ? String(error) : signal ? `the process was ended by ${signal}` : `exit status ${status}`;
  tell({
    kind: 'file',
    file: path,
    ms: performance.now() - started,
    ...(status === 0 ? {} : { ending, printed: readFileSync(output, 'utf8').slice(-20_000) }),
  });
  rmSync(output);
  return String(pid);
}
