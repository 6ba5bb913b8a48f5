import { boolean, integer } from '@oclif/core/flags';
import { print } from '../runtime/host/output.ts';
import { askStatus } from '../runtime/resident/status.ts';
import { supervise } from '../runtime/resident/supervisor.ts';
import { RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';
import { integerFor } from './integer.ts';

export default class Serve extends RuntimeCommand {
  static override id = 'serve';
  static override summary = 'keep engines ready, which other commands use: they take a fraction of the time then';
  static override description =
    'It listens below /run/runchart-resident, or on the socket that systemd passes. It stays in the foreground until ' +
    'it is told to end by SIGTERM; then it finishes what is under way. Nothing but the time of a command differs. ' +
    'Commands that it cannot take, such as those of other users, go their usual way.';
  static override examples = [
    { description: 'Until it is interrupted', command: 'runchart serve' },
    { description: 'How it does', command: 'runchart serve --status' },
  ];
  static override takes = [0, 0] as const;
  static override flags = {
    ...globals,
    engines: integer({
      helpValue: 'N',
      default: 2,
      parse: integerFor('engines', 1),
      description: 'how many commands it takes at once',
    }),
    commands: integer({
      helpValue: 'N',
      default: 10_000,
      parse: integerFor('commands', 1),
      description: 'replace an engine after so many commands',
    }),
    memory: integer({
      helpValue: 'MB',
      default: 256,
      parse: integerFor('memory', 1),
      description: 'replace an engine that has become larger than this',
    }),
    status: boolean({ description: 'show what the server does, as JSON, and end' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(Serve);
    const { context } = await this.prepare(flags);
    if (flags.status) {
      print(context.platform.local, askStatus(context.platform.local));
      return 0;
    }
    const limits = { engines: flags.engines, commands: flags.commands, memory: flags.memory * 1_000_000 };
    supervise(context, limits);
    return 0;
  }
}
