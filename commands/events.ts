import { boolean, string } from '@oclif/core/flags';
import { writeAll } from '../runtime/host/output.ts';
import { watchEvents } from '../runtime/operations/events.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { duration } from './duration.ts';
import { globals } from './globals.ts';
import { goJson } from './view.ts';

export default class Events extends RuntimeCommand {
  static override id = 'events';
  static override summary = 'show what a container uses, and when it runs out of memory';
  static override description =
    'One line of JSON for each event, until the container has ended: `stats` at each interval, ' +
    'and `oom` whenever the kernel had to end a process for lack of memory.';
  static override examples = [
    { description: 'Now, and no more', command: 'runchart events --stats c1 | jq .data.memory.usage' },
    { description: 'Every second', command: 'runchart events --interval 1s c1' },
  ];
  static override args = { 'container-id': containerId };
  static override flags = {
    ...globals,
    interval: string({
      helpValue: 'DURATION',
      default: '5s',
      description: 'how often to show statistics: 500ms, 5s, 1m30s',
    }),
    stats: boolean({ description: 'show the statistics once' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Events);
    const interval = duration(flags.interval, 'interval');
    const { context } = await this.prepare(flags);
    const id = args['container-id'];
    checkContainerId(id);
    const { local } = context.platform;
    await watchEvents(context, id, { interval, statsOnly: flags.stats }, (event) =>
      writeAll(local, 1, `${goJson(event)}\n`),
    );
    return 0;
  }
}
