import { string } from '@oclif/core/args';
import { boolean } from '@oclif/core/flags';
import { succeed } from '../runtime/container/answers.ts';
import type { Context } from '../runtime/container/context.ts';
import { openExisting } from '../runtime/container/open.ts';
import { parseSignal } from '../runtime/operations/signal.ts';
import { listDirectories } from '../runtime/store/directory.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Kill extends RuntimeCommand {
  static override id = 'kill';
  static override summary = "send a signal to a container's first process";
  static override description = 'The signal is TERM where none is named.';
  static override examples = [
    { description: 'Ask it to end', command: 'runchart kill c1' },
    { description: 'End it', command: 'runchart kill c1 KILL' },
    { description: 'End all whose names begin so', command: "runchart kill --regex '^web-' KILL" },
  ];
  static override takes = [1, 2] as const;
  static override args = {
    'container-id': containerId,
    signal: string({ default: 'SIGTERM', ignoreStdin: true, description: 'name (KILL, SIGKILL) or number' }),
  };
  static override flags = {
    ...globals,
    all: boolean({ char: 'a', description: 'send it to every process of the container' }),
    regex: boolean({ char: 'r', description: 'the name is a regular expression, for all containers that match it' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Kill);
    const { context } = await this.prepare(flags, args['container-id']);
    const id = args['container-id'];
    const kill = (one: string) => killOne(context, one, args.signal === '' ? 'SIGTERM' : args.signal, flags.all);
    if (flags.regex) {
      const { forEachMatch } = await import('./several.ts');
      const names = listDirectories(context.platform.local, context.root, true);
      return forEachMatch({ pattern: id, names, act: kill, warn: context.warn });
    }
    checkContainerId(id);
    await kill(id);
    return 0;
  }
}

async function killOne(context: Context, id: string, signal: string, all: boolean): Promise<void> {
  const container = await openExisting(context, id, 'kill');
  try {
    succeed(context, await container.request({ type: 'kill', signal: parseSignal(signal), all }));
  } finally {
    container.close();
  }
}
