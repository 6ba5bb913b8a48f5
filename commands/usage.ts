import type { CommandClass } from './base.ts';
import { UsageError } from './line.ts';

/** @returns `exec [FLAGS] CONTAINER-ID [COMMAND]` */
export function usageOf({ id, args }: CommandClass): string {
  const words = Object.entries(args).map(([name, { required }]) => (required ? name : `[${name}]`).toUpperCase());
  return [id, '[FLAGS]', ...words].join(' ');
}

/**
 * A line with too few or too many arguments. It begins with runc's words.
 * @param count how many there are
 */
export function wrongCount(command: CommandClass, count: number): UsageError {
  const [least, most] = command.takes;
  const refused = (how: string, expected: number): string => {
    const names = Object.keys(command.args).slice(0, expected);
    const said = names.length === 0 ? '' : `: ${names.join(' ').toUpperCase()}`;
    return `requires ${how} ${expected} argument${expected === 1 ? '' : 's'}${said}`;
  };
  const what =
    least === most
      ? refused('exactly', least)
      : count < least
        ? refused('a minimum of', least)
        : refused('a maximum of', most);
  return new UsageError(`runchart: ${JSON.stringify(command.id)} ${what} (usage: runchart ${usageOf(command)})`);
}
