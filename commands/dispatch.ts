/** From the command line to the exit status. */

import type { Host } from '../runtime/host/host.ts';
import type { RuntimeCommand } from './base.ts';
import { GLOBALS_WITH_VALUE } from './global-values.ts';
import { isRightCount, readLine, splitLine, UsageError } from './line.ts';
import { COMMANDS, commandNamed } from './table.ts';

/** runc's exit status for a command that it does not know. */
const UNKNOWN_COMMAND = 3;

/** @returns the exit status */
export async function dispatch(argv: readonly string[], host: Host): Promise<number> {
  let command: RuntimeCommand | undefined;
  let asked: { readonly command: string; readonly id: string | undefined } | undefined;
  try {
    const line = splitLine(argv, GLOBALS_WITH_VALUE);
    const load = line.command === undefined ? undefined : commandNamed(line.command);
    if (load === undefined) return await withoutCommand(line.command, line.before, line.after);
    const [{ default: Loaded }, { globalsBefore }] = await Promise.all([load(), import('./globals.ts')]);
    const given = [...globalsBefore(line.before, Loaded.flags), ...line.after];
    const read = readLine(given, Loaded.flags, Loaded.ownWords);
    // The words behind `--` may be those of another program.
    const flags = read.argv.slice(0, read.argv.indexOf('--'));
    if (flags.includes('--help')) return (await import('./help.ts')).printCommandHelp(Loaded);
    asked = { command: Loaded.id, id: read.words[0] };
    if (flags.includes('--version')) return (await import('./version.ts')).printVersion();
    if (!isRightCount(read.words.length, Loaded.takes))
      throw (await import('./usage.ts')).wrongCount(Loaded, read.words.length);
    command = new Loaded(read.argv, host);
    const status = await command.run();
    command.prepared?.ended(status);
    return status;
  } catch (error) {
    const { report } = await import('./report.ts');
    return report(error, { argv, host, prepared: command?.prepared, ...(asked && { asked }) });
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
    throw new UsageError(`unknown command ${JSON.stringify(command)}: see runchart --help`, UNKNOWN_COMMAND, {
      word: command,
      known: [...COMMANDS.keys()],
    });
  const { globals } = await import('./globals.ts');
  readLine(before, globals);
  const { printHelp } = await import('./help.ts');
  return printHelp(after[0]);
}
