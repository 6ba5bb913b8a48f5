/** The completion script for bash 4 and later. Pure. */

import type { Completed, CompletedCommand, CompletedFlag, CompletedWord } from './model.ts';

export function bashCompletion({ globals, commands, signals }: Completed): string {
  const everyFlag = [...globals, ...commands.flatMap(({ flags }) => flags)];
  return `# bash completion of runchart: source <(runchart completion bash)
_runchart() {
  local cur=\${COMP_WORDS[COMP_CWORD]} flag=\${COMP_WORDS[COMP_CWORD-1]} command= count=0 i
  local -a root=()
  COMPREPLY=()
  # bash takes --flag=value apart.
  if [[ $cur == = ]]; then cur=; elif [[ $flag == = ]]; then flag=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${valueFlags(everyFlag)})
        local name=\${COMP_WORDS[i]}
        [[ \${COMP_WORDS[i+1]} == = ]] && ((i++))
        ((i++))
        [[ $name == --root && $i -lt $COMP_CWORD ]] && root=(--root "\${COMP_WORDS[i]}") ;;
      -* | =) ;;
      *) if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((count++)); fi ;;
    esac
  done
  case $flag in
${flagCases(globals, '    ')}
  esac
  case $command in
${commands.map(commandCase).join('\n')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY+=($(compgen -W '${spellings(globals)}' -- "$cur"))
  elif [[ -z $command ]]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$cur"))
  fi
}
_runchart_containers() { runchart "\${root[@]}" list -q 2> /dev/null; }
_runchart_signals='${signals.join(' ')}'
complete -F _runchart runchart
`;
}

function commandCase({ name, flags, words }: CompletedCommand): string {
  const lines = [`    ${name})`];
  if (flags.some(({ value }) => value !== 'none'))
    lines.push('      case $flag in', flagCases(flags, '        '), '      esac');
  lines.push(`      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '${spellings(flags)}' -- "$cur"))`);
  words.forEach((word, i) => {
    const reply = wordReply(word);
    if (reply !== undefined) lines.push(`      elif ((count == ${i})); then ${reply}`);
  });
  lines.push('      fi ;;');
  return lines.join('\n');
}

function flagCases(flags: readonly CompletedFlag[], indent: string): string {
  return flags
    .filter(({ value }) => value !== 'none')
    .map((flag) => `${indent}${spelling(flag).join(' | ')}) ${valueReply(flag.value)}return ;;`)
    .join('\n');
}

function valueReply(value: CompletedFlag['value']): string {
  if (value === 'directory') return 'COMPREPLY=($(compgen -d -- "$cur")); ';
  if (value === 'file') return 'COMPREPLY=($(compgen -f -- "$cur")); ';
  return typeof value === 'string' ? '' : `COMPREPLY=($(compgen -W '${value.join(' ')}' -- "$cur")); `;
}

function wordReply(word: CompletedWord): string | undefined {
  if (word === 'container') return 'COMPREPLY=($(compgen -W "$(_runchart_containers)" -- "$cur"))';
  if (word === 'signal') return 'COMPREPLY=($(compgen -W "$_runchart_signals" -- "$cur"))';
  return word === 'other' ? undefined : `COMPREPLY=($(compgen -W '${word.join(' ')}' -- "$cur"))`;
}

const spelling = ({ name, char }: CompletedFlag): string[] =>
  char === undefined ? [`--${name}`] : [`--${name}`, `-${char}`];

const spellings = (flags: readonly CompletedFlag[]): string => flags.flatMap(spelling).join(' ');

const valueFlags = (flags: readonly CompletedFlag[]): string =>
  [...new Set(flags.filter(({ value }) => value !== 'none').flatMap(spelling))].join(' | ');
