import { string } from '@oclif/core/args';
import { boolean } from '@oclif/core/flags';
import { succeed } from '../runtime/container/answers.ts';
import { openExisting } from '../runtime/container/open.ts';
import { parseSignal } from '../runtime/operations/signal.ts';
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
  ];
  static override takes = [1, 2] as const;
  static override args = {
    'container-id': containerId,
    signal: string({ default: 'SIGTERM', ignoreStdin: true, description: 'name (KILL, SIGKILL) or number' }),
  };
  static override flags = {
    ...globals,
    all: boolean({ char: 'a', description: 'send it to every process of the container' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Kill);
    const { context } = await this.prepare(flags, args['container-id']);
    const id = args['container-id'];
    checkContainerId(id);
    const container = await openExisting(context, id, 'kill');
    try {
      const signal = parseSignal(args.signal === '' ? 'SIGTERM' : args.signal);
      succeed(context, await container.request({ type: 'kill', signal, all: flags.all }));
    } finally {
      container.close();
    }
    return 0;
  }
}
