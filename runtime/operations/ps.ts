/** `ps`: a container's processes, shown by the host's own ps. */

import { describeEnding } from '../../effects/hooks/ending.ts';
import { variable } from '../../effects/process/environment.ts';
import { processesOf as processesIn } from '../../effects/running/processes.ts';
import { dataFile, readDataFile } from '../../native/calls/data-file.ts';
import { close, faccessat2, openat } from '../../native/calls/files.ts';
import { AT, O, X_OK } from '../../native/constants/files.ts';
import { attempt, call } from '../../native/kernel/perform.ts';
import { hasEnded, spawnProcess, takeEnding } from '../../native/stage/program.ts';
import type { Context } from '../container/context.ts';
import { observe } from '../container/observe.ts';
import { environmentOf } from '../host/environment.ts';
import { absolutePath } from '../host/path.ts';
import { lookAt } from '../store/look.ts';

/** The pids of all processes of a container, as this process sees them. @throws StoreError, CgroupError */
export async function processesOf({ platform, root }: Context, id: string): Promise<readonly number[]> {
  const kernel = platform.local;
  const { record } = await lookAt({ kernel, root, observe: (one) => observe(platform, one) }, id);
  return processesIn(kernel, record);
}

/** What ps says of these processes, with its heading. @throws Error, of one line */
export async function processTable(
  context: Context,
  pids: readonly number[],
  options: readonly string[],
): Promise<string> {
  return rowsOf(await outputOfPs(context, options.length === 0 ? ['-ef'] : options), new Set(pids));
}

/** The heading, and the rows of these processes. Pure. @throws Error with runc's texts */
function rowsOf(output: string, pids: ReadonlySet<number>): string {
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

/** Standard output and error together. */
async function outputOfPs(context: Context, options: readonly string[]): Promise<string> {
  const { platform, host } = context;
  const { local } = platform;
  const env = environmentOf(host, local);
  const path = findPs(context, variable(env, 'PATH') ?? '');
  const opened: number[] = [];
  const keep = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const input = keep(call(local, openat(AT.FDCWD, '/dev/null', O.RDONLY)));
    const output = keep(dataFile(local, 'ps'));
    const { pid, pidfd } = spawnProcess(platform, {
      path,
      argv: ['ps', ...options],
      env,
      descriptors: [input, output, output],
      performer: 'ps',
    });
    keep(pidfd);
    await hasEnded(platform, pidfd);
    const ending = takeEnding(local, pid);
    const text = new TextDecoder().decode(readDataFile(local, output, OUTPUT_LIMIT));
    if (ending.how !== 'exited' || ending.status !== 0) throw new Error(`${describeEnding(ending)}: ${text.trim()}`);
    return text;
  } finally {
    for (const fd of opened) attempt(local, close(fd));
  }
}

function findPs({ platform, host }: Context, directories: string): string {
  for (const directory of directories.split(':')) {
    if (directory === '') continue;
    const path = `${absolutePath(host, directory)}/ps`;
    if (attempt(platform.local, faccessat2(AT.FDCWD, path, X_OK)) >= 0) return path;
  }
  throw new Error('exec: "ps": executable file not found in $PATH');
}
