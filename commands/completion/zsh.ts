/** The completion script for zsh. Pure. */

import type { Completed, CompletedCommand, CompletedFlag, CompletedWord } from './model.ts';

export function zshCompletion({ globals, commands, signals }: Completed): string {
  return `#compdef runchart
# zsh completion of runchart: source <(runchart completion zsh), after compinit
_runchart_containers() {
  local -a ids
  ids=(\${(f)"$(runchart $root list -q 2> /dev/null)"})
  compadd -a ids
}
_runchart_commands() {
  local -a names=(
${commands.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`).join('\n')}
  )
  _describe command names
}
_runchart() {
  local context state state_descr line i
  local -a root
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      --root) root=(--root "$words[i+1]") ;;
      --root=*) root=("$words[i]") ;;
    esac
  done
  typeset -A opt_args
  local -a globals=(
${globals.flatMap(flagSpecs).map(indented).join('\n')}
  )
  _arguments -C $globals '(-)1: :_runchart_commands' '(-)*:: :->arguments' && return
  [[ $state == arguments ]] || return
  case $line[1] in
${commands.map((command) => commandCase(command, signals)).join('\n')}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _runchart "$@"; else compdef _runchart runchart; fi
`;
}

function commandCase({ name, flags, words }: CompletedCommand, signals: readonly string[]): string {
  const arguments_ = words.map((word, i) => quoted(`${i + 1}: :${actionOf(word, signals)}`));
  return [
    `    ${name}) _arguments $globals \\`,
    ...[...flags.flatMap(flagSpecs), ...arguments_].map(continued),
    '      ;;',
  ].join('\n');
}

const indented = (text: string): string => `    ${text}`;
const continued = (text: string): string => `      ${text} \\`;

function flagSpecs({ name, char, description, value }: CompletedFlag): string[] {
  const explained = `[${description.replace(/[[\]\\:]/g, '\\$&')}]`;
  const action = value === 'none' ? '' : `:${name}:${valueAction(value)}`;
  const long = quoted(`--${name}${value === 'none' ? '' : '='}${explained}${action}`);
  return char === undefined ? [long] : [long, quoted(`-${char}${explained}${action}`)];
}

function valueAction(value: CompletedFlag['value']): string {
  if (value === 'directory') return '_files -/';
  if (value === 'file') return '_files';
  return typeof value === 'string' ? ' ' : `(${value.join(' ')})`;
}

function actionOf(word: CompletedWord, signals: readonly string[]): string {
  if (word === 'container') return '_runchart_containers';
  if (word === 'signal') return `(${signals.join(' ')})`;
  return word === 'other' ? ' ' : `(${word.join(' ')})`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
