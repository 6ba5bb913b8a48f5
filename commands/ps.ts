import { string as argument } from '@oclif/core/args';
import { string } from '@oclif/core/flags';
import { print } from '../runtime/host/output.ts';
import { pidsOf, processTable } from '../runtime/operations/ps.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Ps extends RuntimeCommand {
  static override id = 'ps';
  static override summary = 'list the processes of a container';
  static override description =
    "The host's own ps makes the list. Options for it may follow the container's name (default: -ef); " +
    "they must include the PID column. Pids are the host's.";
  static override examples = [
    { description: 'Who they are, and their memory', command: 'runchart ps c1 -o pid,user,rss,args' },
    { description: 'The pids alone', command: 'runchart ps --format json c1' },
  ];
  static override strict = false;
  static override takes = [1, Number.POSITIVE_INFINITY] as const;
  static override ownWords = 1;
  static override args = {
    'container-id': containerId,
    'ps-options': argument({ ignoreStdin: true, description: "options for the host's ps" }),
  };
  static override flags = {
    ...globals,
    format: string({ char: 'f', helpValue: 'table|json', default: 'table', description: 'the form of the list' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Ps);
    const { context } = await this.prepare(flags);
    const id = args['container-id'];
    checkContainerId(id);
    const pids = await pidsOf(context, id);
    const { local } = context.platform;
    // Go encodes an empty list as `null`, and engines parse it.
    if (flags.format === 'json') print(local, `${pids.length === 0 ? 'null' : JSON.stringify(pids)}\n`);
    else if (flags.format === 'table') print(local, await processTable(context, pids, this.words.slice(1)));
    else throw new Error('invalid format option');
    return 0;
  }
}
