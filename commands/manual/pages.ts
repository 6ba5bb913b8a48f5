/**
 * The manual pages, in mdoc(7). They are made of what the command classes say of themselves, so that nothing is said
 * twice. Pure.
 */

import { ABOUT } from '../about.ts';
import type { CommandClass } from '../base.ts';
import { usageOf } from '../usage.ts';
import { text, word } from './mdoc.ts';

interface Manual {
  readonly commands: readonly CommandClass[];
  readonly globals: CommandClass['flags'];
  readonly date: Date;
  readonly version: string;
}

/** The pages are in section 8, for administrators, as runc's are. */
const SECTION = 8;

/** @returns the text by the name of the file: `runchart.8`, `runchart-run.8`, … */
export function manualPages(manual: Manual): ReadonlyMap<string, string> {
  return new Map([
    [`runchart.${SECTION}`, wholePage(manual)],
    ...manual.commands.map((command): [string, string] => [
      `${pageOf(command)}.${SECTION}`,
      commandPage(command, manual),
    ]),
  ]);
}

const pageOf = ({ id }: CommandClass): string => `runchart-${id}`;

function wholePage(manual: Manual): string {
  const { commands, globals } = manual;
  return page('runchart', manual, [
    ...nameOf('runchart', ABOUT.summary.replace(/^M/, 'm').replace(/\.$/, '')),
    '.Sh SYNOPSIS',
    '.Nm runchart',
    ...synopsis(ABOUT.usage),
    '.Sh DESCRIPTION',
    text(ABOUT.description),
    '.Pp',
    text('Each command has a page of its own.'),
    '.Sh COMMANDS',
    ...listOf(commands.map((command) => [`.Xr ${pageOf(command)} ${SECTION}`, command.summary ?? ''])),
    '.Sh GLOBAL FLAGS',
    text('Every command takes them, before its name or after it.'),
    ...flagList(globals),
    '.Sh EXIT STATUS',
    text(
      '`run` and `exec` end with the exit status of the program. Every other command ends with 0; with 1 after ' +
        'an error, which is one line on standard error or in the log; with 3 if the command is not known. ' +
        'An `exec` that fails by itself ends with 255.',
    ),
    ...exampleList(ABOUT.examples),
    '.Sh SEE ALSO',
    ...commands
      .map(pageOf)
      .toSorted()
      .map((one, i) => `.Xr ${one} ${SECTION}${i < commands.length - 1 ? ' ,' : ''}`),
  ]);
}

function commandPage(command: CommandClass, manual: Manual): string {
  const { id, summary = '', description, examples, args, flags } = command;
  const own = Object.fromEntries(Object.entries(flags).filter(([name, flag]) => manual.globals[name] !== flag));
  const words = Object.entries(args);
  return page(pageOf(command), manual, [
    ...nameOf(pageOf(command), summary),
    '.Sh SYNOPSIS',
    `.Nm ${word(`runchart ${id}`)}`,
    ...synopsis(usageOf(command).slice(id.length)),
    '.Sh DESCRIPTION',
    text(description ?? summary),
    ...(words.length === 0
      ? []
      : ['.Sh ARGUMENTS', ...listOf(words.map(([name, arg]) => [item(name.toUpperCase()), meaning(arg)]))]),
    '.Sh FLAGS',
    ...flagList(own),
    text('The global flags are in'),
    `.Xr runchart ${SECTION} .`,
    ...exampleList(examples),
    '.Sh SEE ALSO',
    `.Xr runchart ${SECTION}`,
  ]);
}

function page(name: string, { date, version }: Manual, lines: readonly string[]): string {
  const month = date.toLocaleString('en', { month: 'long', timeZone: 'UTC' });
  return [
    '.\\" Made from the commands by build/manual.ts',
    `.Dd ${month} ${date.getUTCDate()}, ${date.getUTCFullYear()}`,
    `.Dt ${name.toUpperCase()} ${SECTION}`,
    `.Os ${word(`runchart ${version}`)}`,
    ...lines,
    '',
  ].join('\n');
}

/** @param usage with brackets around what may be left out */
const synopsis = (usage: string): string[] =>
  [...usage.matchAll(/\[([^\]]+)\]|(\S+)/g)].map(([, may, must]) =>
    may === undefined ? `.Ar ${word(must ?? '')}` : `.Op ${word(may)}`,
  );

const nameOf = (name: string, summary: string): string[] => ['.Sh NAME', `.Nm ${name}`, `.Nd ${text(summary)}`];

function flagList(flags: CommandClass['flags']): string[] {
  const shown = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
  return shown.length === 0 ? [] : listOf(shown.map(([name, flag]) => [item(spelling(name, flag)), meaning(flag)]));
}

function spelling(name: string, flag: CommandClass['flags'][string]): string {
  const value = flag.type === 'boolean' ? '' : `=${typeof flag.helpValue === 'string' ? flag.helpValue : 'VALUE'}`;
  return `${flag.char === undefined ? '' : `-${flag.char}, `}--${name}${value}`;
}

const item = (words: string): string => `.Sy ${word(words)}`;

interface Explained {
  readonly description?: string | undefined;
  readonly default?: unknown;
  readonly options?: readonly string[] | undefined;
}

function meaning({ description = '', default: value, options }: Explained): string {
  const choice = options === undefined ? '' : `: ${options.join(', ')}`;
  const usual = typeof value === 'string' || typeof value === 'number' ? ` (default: ${value})` : '';
  return `${description}${choice}${usual}.`;
}

/** @param items for each item a line with the macro that names it, and its explanation */
const listOf = (items: readonly (readonly [string, string])[]): string[] => [
  '.Bl -tag -width Ds',
  ...items.flatMap(([name, explanation]) => [name.replace(/^\./, '.It '), text(explanation)]),
  '.El',
];

function exampleList(examples: CommandClass['examples'] = []): string[] {
  const shown = examples.flatMap((one) => (typeof one === 'string' ? [] : [one]));
  return shown.length === 0
    ? []
    : [
        '.Sh EXAMPLES',
        ...shown.flatMap(({ description, command }) => [text(`${description}:`), '.Pp', `.Dl ${word(command)}`, '.Pp']),
      ].slice(0, -1);
}
