/** From the command line to the exit status. */

import type { Host } from '../runtime/host/host.ts';
import type { RuntimeCommand } from './base.ts';
import { GLOBALS_WITH_VALUE } from './global-values.ts';
import { checkCount, readLine, splitLine, UsageError } from './line.ts';
import { commandNamed } from './table.ts';

/** runc's exit status for a command that it does not know. */
const UNKNOWN_COMMAND = 3;

/** @returns the exit status */
export async function dispatch(argv: readonly string[], host: Host): Promise<number> {
  let command: RuntimeCommand | undefined;
  try {
    const line = splitLine(argv, GLOBALS_WITH_VALUE);
    const load = line.command === undefined ? undefined : commandNamed(line.command);
    if (load === undefined) return await withoutCommand(line.command, line.before, line.after);
    const [{ default: Loaded }, { globalsBefore }] = await Promise.all([load(), import('./globals.ts')]);
    const given = [...globalsBefore(line.before, Loaded.flags), ...line.after];
    const read = readLine(given, Loaded.flags, Loaded.ownWords);
    if (read.argv.includes('--help')) return (await import('./help.ts')).printCommandHelp(Loaded);
    checkCount(Loaded.id, read.words.length, Loaded.takes);
    command = new Loaded(read.argv, host);
    return await command.run();
  } catch (error) {
    const { report } = await import('./report.ts');
    return report(error, { argv, host, prepared: command?.prepared });
  } finally {
    // A process of its own ends with its command, and so does its log.
    if (host.platform !== undefined) command?.prepared?.log.close();
  }
}

async function withoutCommand(
  command: string | undefined,
  before: readonly string[],
  after: readonly string[],
): Promise<number> {
  if (command === undefined && before.some((flag) => /^--?(v|version)$/.test(flag))) {
    const { printVersion } = await import('./version.ts');
    return printVersion();
  }
  if (command !== undefined && command !== 'help')
    throw new UsageError(`unknown command ${JSON.stringify(command)}: see runchart --help`, UNKNOWN_COMMAND);
  const { globals } = await import('./globals.ts');
  readLine(before, globals);
  const { printHelp } = await import('./help.ts');
  return printHelp(after[0]);
}
