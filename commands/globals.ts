/** Flags that every command takes, before its name or after it. */

import { boolean, string } from '@oclif/core/flags';
import { type FlagShape, readLine } from './line.ts';

const helpGroup = 'GLOBAL';

export const globals = {
  root: string({
    helpGroup,
    helpValue: 'DIR',
    description: 'where the state of containers is kept, best on tmpfs (default: /run/runchart)',
  }),
  log: string({ helpGroup, helpValue: 'FILE', description: 'append the log to this file (default: standard error)' }),
  'log-format': string({ helpGroup, helpValue: 'text|json', description: "the log's form (default: text)" }),
  debug: boolean({ helpGroup, description: 'log more, and the stack of an error' }),
  'systemd-cgroup': boolean({
    helpGroup,
    description: 'let systemd make the cgroup; cgroupsPath is then "slice:prefix:name"',
  }),
  rootless: string({
    helpGroup,
    helpValue: 'auto|true|false',
    description: 'go on without cgroups that may not be changed (default: auto)',
  }),
  criu: string({
    helpGroup,
    helpValue: 'PATH',
    hidden: true,
    description: 'accepted for old callers of runc, with a warning: CRIU is the criu in $PATH',
  }),
  version: boolean({ char: 'v', helpGroup, description: 'show the version' }),
  help: boolean({ char: 'h', helpGroup, description: 'show what a command does' }),
  trace: string({
    helpGroup,
    helpValue: 'FILE|-',
    description: 'write every system call, and who performed it; as lines of JSON if FILE ends in .jsonl',
  }),
};

/**
 * Reads the flags before the command, which are global. A command does not get those that it has a flag of its own
 * for: `runchart --rootless auto spec` is not `spec --rootless`.
 * @returns for readLine: words of the form `--name` and `--name=value`
 * @throws UsageError
 */
export function globalsBefore(before: readonly string[], own: Readonly<Record<string, FlagShape>>): string[] {
  const flags: Readonly<Record<string, FlagShape>> = globals;
  // `watch` takes `--root` several times. It is the same flag all the same.
  const roots = own.root?.multiple ? { root: own.root } : {};
  return readLine(before, { ...flags, ...roots }).argv.filter((word) => {
    const [name = ''] = word.slice('--'.length).split('=', 1);
    return name !== '' && (isSame(own[name], flags[name]) || name in roots);
  });
}

/** Not by identity: a command that is bundled apart (build/apart.ts) has copies of the global flags. */
const isSame = (own: FlagShape | undefined, global: FlagShape | undefined): boolean =>
  own !== undefined && own.type === global?.type && own.multiple === global.multiple;
