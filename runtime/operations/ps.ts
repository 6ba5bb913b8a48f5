/** `ps`: lists a container's processes, or has the host's own ps show them. */

import { describeEnding } from '../../effects/hooks/ending.ts';
import { variable } from '../../effects/process/environment.ts';
import { processesOf } from '../../effects/running/processes.ts';
import { dataFile, readDataFile } from '../../native/calls/data-file.ts';
import { faccessat2, openat } from '../../native/calls/files.ts';
import { AT, O, X_OK } from '../../native/constants/files.ts';
import type { Pid } from '../../native/kernel/numbers.ts';
import { Owned, opened } from '../../native/kernel/owned.ts';
import { attempt } from '../../native/kernel/perform.ts';
import { hasEnded, spawnProcess, takeEnding } from '../../native/stage/program.ts';
import type { Context } from '../container/context.ts';
import { observe } from '../container/observe.ts';
import { environmentOf } from '../host/environment.ts';
import { absolutePath } from '../host/path.ts';
import { lookAt } from '../store/look.ts';

/** The pids of all processes of a container, as this process sees them. @throws StoreError, CgroupError */
export async function pidsOf({ platform, root }: Context, id: string): Promise<readonly Pid[]> {
  const kernel = platform.local;
  const { record } = await lookAt({ kernel, root, observe: (one) => observe(platform, one) }, id);
  return processesOf(kernel, record);
}

/** What ps prints about these processes, with its heading. @throws Error of one line */
export async function processTable(
  context: Context,
  pids: readonly Pid[],
  options: readonly string[],
): Promise<string> {
  return rowsOf(await outputOfPs(context, options.length === 0 ? ['-ef'] : options), new Set(pids));
}

/** The heading, and the rows of these processes. Pure. @throws Error with runc's texts */
function rowsOf(output: string, pids: ReadonlySet<Pid>): string {
  const [heading = '', ...rows] = output.split('\n');
  const column = heading.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new Error("couldn't find PID field in ps output");
  const kept = rows.filter((row) => {
    if (row === '') return false;
    const text = row.trim().split(/\s+/)[column] ?? '';
    if (!/^\d+$/.test(text)) throw new Error(`unable to parse pid: ${JSON.stringify(text)} is not a number`);
    return pids.has(Number(text));
  });
  return [heading, ...kept].map((row) => `${row}\n`).join('');
}

const OUTPUT_LIMIT = 64 << 20;

/** What ps writes to standard output and standard error. @throws Error with that text where ps fails */
async function outputOfPs(context: Context, options: readonly string[]): Promise<string> {
  const { platform, host } = context;
  const { local } = platform;
  const env = environmentOf(host, local);
  const path = findPs(context, variable(env, 'PATH') ?? '');
  using input = opened(local, openat(AT.FDCWD, '/dev/null', O.RDONLY));
  using output = new Owned(local, dataFile(local, 'ps'));
  const { pid, pidfd } = spawnProcess(platform, {
    path,
    argv: ['ps', ...options],
    env,
    descriptors: [input.fd, output.fd, output.fd],
    performer: 'ps',
  });
  using ps = new Owned(local, pidfd);
  await hasEnded(platform, ps.fd);
  const ending = takeEnding(local, pid);
  const text = new TextDecoder().decode(readDataFile(local, output.fd, OUTPUT_LIMIT));
  if (ending.how !== 'exited' || ending.status !== 0) throw new Error(`${describeEnding(ending)}: ${text.trim()}`);
  return text;
}

function findPs({ platform, host }: Context, directories: string): string {
  for (const directory of directories.split(':')) {
    if (directory === '') continue;
    const path = `${absolutePath(host, directory)}/ps`;
    if (attempt(platform.local, faccessat2(AT.FDCWD, path, X_OK)) >= 0) return path;
  }
  throw new Error('exec: "ps": executable file not found in $PATH');
}
