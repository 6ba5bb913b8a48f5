/** What shells complete. It is taken from the command classes, so that nothing is said twice. Pure. */

import type { CommandClass } from '../base.ts';

export interface CompletedFlag {
  readonly name: string;
  readonly char: string | undefined;
  readonly description: string;
  /** `none` means that the flag takes no value. */
  readonly value: 'none' | 'directory' | 'file' | 'other' | readonly string[];
}

/** An argument is the name of an existing container, a signal, one of some words, or anything. */
export type CompletedWord = 'container' | 'signal' | 'other' | readonly string[];

export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly flags: readonly CompletedFlag[];
  readonly words: readonly CompletedWord[];
}

export interface Completed {
  readonly globals: readonly CompletedFlag[];
  readonly commands: readonly CompletedCommand[];
  /** Names without `SIG`. */
  readonly signals: readonly string[];
}

/** Commands whose first argument names a container that does not exist yet. */
const MAKERS = ['create', 'run', 'restore'];

export function completed(
  classes: readonly CommandClass[],
  globals: CommandClass['flags'],
  signals: readonly string[],
): Completed {
  return {
    globals: flagsOf(globals),
    commands: classes.map((command) => ({
      name: command.id,
      description: command.summary ?? '',
      flags: flagsOf(command.flags).filter(({ name }) => command.flags[name] !== globals[name]),
      words: Object.entries(command.args).map(([name, { options }]) => wordOf(command.id, name, options)),
    })),
    signals,
  };
}

function flagsOf(flags: CommandClass['flags']): CompletedFlag[] {
  return Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true)
    .map(([name, flag]) => ({
      name,
      char: flag.char,
      description: flag.description ?? '',
      value: flag.type === 'boolean' ? 'none' : valueKind(flag.helpValue),
    }));
}

/** The placeholder in the help tells the kind of the value: `DIR`, `FILE`, `PATH`, `text|json`. */
function valueKind(placeholder: string | string[] | undefined): CompletedFlag['value'] {
  const text = typeof placeholder === 'string' ? placeholder : '';
  if (text === 'DIR') return 'directory';
  if (text === 'PATH' || text.startsWith('FILE')) return 'file';
  return text.includes('|') ? text.split('|') : 'other';
}

function wordOf(command: string, name: string, options: readonly string[] | undefined): CompletedWord {
  if (options !== undefined) return options;
  if (name === 'container-id') return MAKERS.includes(command) ? 'other' : 'container';
  return name === 'signal' ? 'signal' : 'other';
}
