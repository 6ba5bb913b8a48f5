import type { Config } from './config/config.ts';
import type { Linux } from './config/linux/linux.ts';
import type { Process } from './config/process.ts';
import type { JsonPath, Report } from './problem.ts';

/** For members of an object: whether what stands there asks for something that runchart does not do. */
type Table<T> = { readonly [Name in keyof T]?: (value: unknown) => boolean };

// What config.json may ask for and runchart does not do yet. Refused by name rather than ignored: a container without
// the limits it was given is worse than none. Whoever builds one deletes its line.
const CONFIG: Table<Config> = {};

const PROCESS: Table<Process> = {};

const LINUX: Table<Linux> = {
  intelRdt: present,
};

/** Reports the fields that runchart does not act upon yet: `config.json: linux.intelRdt: not supported yet`. */
export function refuseUnsupported(config: Config, report: Report): void {
  const { process, linux } = config;
  refuse(CONFIG, config, [], report);
  if (process) refuseUnsupportedProcess(process, ['process'], report);
  if (linux) refuse(LINUX, linux, ['linux'], report);
}

/** The same of a process alone; `at` is where it stands in its document. */
export function refuseUnsupportedProcess(process: Process, at: JsonPath, report: Report): void {
  refuse(PROCESS, process, at, report);
}

/** All that is refused, for tests, and for what `features` must not claim. */
export function unsupportedPaths(): string[] {
  const under = (at: string, table: object) => Object.keys(table).map((name) => at + name);
  return [...under('', CONFIG), ...under('process.', PROCESS), ...under('linux.', LINUX)];
}

function refuse<T extends object>(table: Table<T>, value: T, at: JsonPath, report: Report): void {
  for (const name in table) {
    const member = value[name];
    if (member !== undefined && table[name]?.(member)) report([...at, name], 'not supported yet');
  }
}

function present(): boolean {
  return true;
}
