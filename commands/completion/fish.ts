/** The completion script for fish. Pure. */

import type { Completed, CompletedCommand, CompletedFlag, CompletedWord } from './model.ts';

export function fishCompletion({ globals, commands, signals }: Completed): string {
  return [
    '# fish completion of runchart: runchart completion fish | source',
    'function __runchart_containers',
    '  set -l words (commandline -opc)',
    '  set -l root',
    '  for i in (seq (count $words))',
    '    if test $words[$i] = --root; and test (count $words) -gt $i; set root --root $words[(math $i + 1)]; end',
    "    if string match -q -- '--root=*' $words[$i]; set root $words[$i]; end",
    '  end',
    '  runchart $root list -q 2> /dev/null',
    'end',
    'complete -c runchart -f',
    ...globals.map((flag) => flagLine(flag, '')),
    ...commands.map(
      ({ name, description }) => `complete -c runchart -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
    ),
    ...commands.flatMap((command) => commandLines(command, signals)),
    '',
  ].join('\n');
}

function commandLines({ name, flags, words }: CompletedCommand, signals: readonly string[]): string[] {
  const seen = `-n '__fish_seen_subcommand_from ${name}' `;
  const given = words.map((word) => answersOf(word, signals)).filter((answers) => answers !== undefined);
  return [
    ...flags.map((flag) => flagLine(flag, seen)),
    ...given.map((answers) => `complete -c runchart ${seen}-a ${quoted(answers)}`),
  ];
}

function flagLine({ name, char, description, value }: CompletedFlag, condition: string): string {
  const short = char === undefined ? '' : ` -s ${char}`;
  return `complete -c runchart ${condition}-l ${name}${short}${valueOption(value)} -d ${quoted(description)}`;
}

function valueOption(value: CompletedFlag['value']): string {
  if (value === 'none') return '';
  if (value === 'directory') return " -x -a '(__fish_complete_directories)'";
  if (value === 'file') return ' -r -F';
  return typeof value === 'string' ? ' -x' : ` -x -a ${quoted(value.join(' '))}`;
}

function answersOf(word: CompletedWord, signals: readonly string[]): string | undefined {
  if (word === 'container') return '(__runchart_containers)';
  if (word === 'signal') return signals.join(' ');
  return word === 'other' ? undefined : word.join(' ');
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
