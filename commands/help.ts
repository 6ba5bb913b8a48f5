/** Help, in oclif's form. Loaded when it is asked for: it brings most of oclif along. */

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { CommandHelp } from '@oclif/core/help';
import type { CommandClass } from './base.ts';
import { globals } from './globals.ts';
import { UsageError } from './line.ts';
import { COMMANDS } from './table.ts';

const WIDTH = 100;

type HelpInput = ConstructorParameters<typeof CommandHelp>;

/** What the help asks of oclif's Config. */
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
  const described = {
    id: '',
    summary: 'Makes containers from OCI bundles, as runc does.',
    usage: '[GLOBAL FLAGS] COMMAND [FLAGS] [ARGUMENTS]',
    description:
      'A bundle is a directory with a root filesystem and a config.json (`runchart spec` writes one to start from). `runchart COMMAND --help` shows the flags of a command, and examples.',
    examples: [
      { description: 'Run a container from the bundle in /srv/web', command: 'runchart run -b /srv/web c1' },
      { description: 'See every system call that makes it', command: 'runchart --trace - run -b /srv/web c1' },
      { description: 'Complete commands and names of containers', command: 'runchart completion --help' },
    ],
  };
  return print(new RootHelp(helpInput(described, {}, globals), classes));
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

/** A class's flags and arguments get their names from oclif only when it parses. */
const named = (members: object): object =>
  Object.fromEntries(Object.entries(members).map(([name, member]) => [name, { ...member, name }]));

function usageOf({ id, args }: CommandClass): string {
  const words = Object.entries(args).map(([name, { required }]) => (required ? name : `[${name}]`).toUpperCase());
  return [id, '[FLAGS]', ...words].join(' ');
}

/** Colours for a terminal only. */
const options = () => ({ maxWidth: WIDTH, stripAnsi: !isatty(1) }) as HelpInput[2];

function print(help: CommandHelp): number {
  writeSync(1, `${help.generate().replace(/^(\s*\$ runchart) +/m, '$1 ')}\n`);
  return 0;
}
