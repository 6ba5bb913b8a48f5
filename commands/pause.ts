import { succeed } from '../runtime/container/answers.ts';
import { openExisting } from '../runtime/container/open.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Pause extends RuntimeCommand {
  static override id = 'pause';
  static override summary = "stop all of a container's processes, for a while";
  static override description =
    'The freezer of its cgroup holds them, whatever they do, until `resume` lets them go on. ' +
    'A container that has not been started can be paused too.';
  static override examples = [
    { description: 'Stop it, then let it go on', command: 'runchart pause c1 && runchart resume c1' },
  ];
  static override args = { 'container-id': containerId };
  static override flags = globals;

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Pause);
    const { context } = await this.prepare(flags, args['container-id']);
    const id = args['container-id'];
    checkContainerId(id);
    const container = await openExisting(context, id, 'pause');
    try {
      succeed(context, await container.request({ type: 'pause' }));
    } finally {
      container.close();
    }
    return 0;
  }
}
