import { openExisting } from '../runtime/container/open.ts';
import { startContainer } from '../runtime/operations/start.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Start extends RuntimeCommand {
  static override id = 'start';
  static override summary = "execute a created container's program";
  static override description = 'The program of config.json takes the place of the process that `create` left waiting.';
  static override examples = [
    {
      description: 'A life in four commands',
      command: 'runchart create c1 && runchart start c1 && runchart state c1 && runchart delete -f c1',
    },
  ];
  static override args = { 'container-id': containerId };
  static override flags = globals;

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Start);
    const { context } = await this.prepare(flags, args['container-id']);
    const id = args['container-id'];
    checkContainerId(id);
    const container = await openExisting(context, id, 'start');
    try {
      await startContainer(context, container, { address: context.host.env.NOTIFY_SOCKET, required: true });
    } finally {
      container.close();
    }
    return 0;
  }
}
