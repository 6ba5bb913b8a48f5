/**
 * A command as commands/ holds them, on its own: what it parsed goes to standard output as JSON.
 */
import { writeSync } from 'node:fs';
import { string as stringArg } from '@oclif/core/args';
import { Command } from '@oclif/core/command';
import { boolean, integer, option, string } from '@oclif/core/flags';

class Create extends Command {
  static override args = { id: stringArg({ required: true, description: 'name of the container' }) };
  static override flags = {
    bundle: string({ char: 'b', default: '.' }),
    detach: boolean({ char: 'd' }),
    'preserve-fds': integer({ default: 0, min: 0 }),
    env: string({ char: 'e', multiple: true }),
    format: option({ options: ['table', 'json'] as const })(),
  };

  override async run(): Promise<void> {
    const { args, flags } = await this.parse(Create);
    writeSync(1, `${JSON.stringify({ args, flags })}\n`);
  }
}

/** What a command asks of oclif's Config: loading a real one reads package.json and XDG folders from disk. */
const config = {
  bin: 'runchart',
  runHook: async () => ({ successes: [], failures: [] }),
  scopedEnvVar: () => undefined,
  scopedEnvVarKey: (name: string) => `RUNCHART_${name}`,
  scopedEnvVarKeys: (name: string) => [`RUNCHART_${name}`],
} as unknown as ConstructorParameters<typeof Command>[1];

try {
  await new Create(process.argv.slice(2), config).run();
  process.exit(0);
} catch (error) {
  const { message, oclif } = error as Error & { oclif?: { exit?: number } };
  writeSync(1, `${JSON.stringify({ message, exit: oclif?.exit })}\n`);
  process.exit(1);
}
