/** The help, in oclif's form. It is loaded only when it is asked for, since it brings most of oclif along. */

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { CommandHelp } from '@oclif/core/help';
import { ABOUT } from './about.ts';
import type { CommandClass } from './base.ts';
import { globals } from './globals.ts';
import { UsageError } from './line.ts';
import { COMMANDS } from './table.ts';
import { usageOf } from './usage.ts';

const WIDTH = 100;

type HelpInput = ConstructorParameters<typeof CommandHelp>;

/** The members of oclif's Config that the help uses. */
const CONFIG = {
  bin: 'runchart',
  topicSeparator: ' ',
  pjson: { oclif: {} },
  plugins: new Map(),
  theme: { sectionHeader: 'bold', command: 'cyan', flag: 'cyan' },
} as unknown as HelpInput[1];

/** `runchart --help`, `runchart help run`. @returns the exit status */
export async function printHelp(command: string | undefined): Promise<number> {
  if (command === undefined) return printRootHelp();
  const load = COMMANDS.get(command);
  if (load === undefined) throw new UsageError(`no help for ${JSON.stringify(command)}: there is no such command`);
  const { default: Loaded } = await load();
  return printCommandHelp(Loaded);
}

/** `runchart run --help`. @returns the exit status */
export function printCommandHelp(command: CommandClass): number {
  const { id, summary, description, examples, args, flags } = command;
  const described = { id, summary, description: description ?? summary, examples, usage: usageOf(command) };
  return print(new CommandHelp(helpInput(described, args, flags), CONFIG, options()));
}

async function printRootHelp(): Promise<number> {
  const classes = await Promise.all([...COMMANDS.values()].map(async (load) => (await load()).default));
  return print(new RootHelp(helpInput({ id: '', ...ABOUT }, {}, globals), classes));
}

class RootHelp extends CommandHelp {
  readonly #commands: readonly CommandClass[];

  constructor(input: HelpInput[0], commands: readonly CommandClass[]) {
    super(input, CONFIG, options());
    this.#commands = commands;
  }

  protected override sections(): ReturnType<CommandHelp['sections']> {
    const rows = this.#commands.map(({ id, summary }): [string, string | undefined] => [id, summary]);
    const commands = { header: 'COMMANDS', generate: () => ({ header: 'COMMANDS', body: rows }) };
    const [usage, ...others] = super.sections();
    return usage === undefined ? [commands] : [usage, commands, ...others];
  }
}

interface Described extends Pick<CommandClass, 'id' | 'summary' | 'description' | 'examples'> {
  readonly usage: string;
}

function helpInput(described: Described, args: CommandClass['args'], flags: CommandClass['flags']): HelpInput[0] {
  return {
    ...described,
    args: named(args),
    flags: named(flags),
    aliases: [],
    hiddenAliases: [],
    strict: true,
  } as unknown as HelpInput[0];
}

/** oclif gives names to the flags and arguments of a class only when it parses, so the help needs them from here. */
const named = (members: object): object =>
  Object.fromEntries(Object.entries(members).map(([name, member]) => [name, { ...member, name }]));

/** Only a terminal gets colours. */
const options = () => ({ maxWidth: WIDTH, stripAnsi: !isatty(1) }) as HelpInput[2];

function print(help: CommandHelp): number {
  writeSync(1, `${help.generate().replace(/^(\s*\$ runchart) +/m, '$1 ')}\n`);
  return 0;
}
