import { succeed } from '../runtime/container/answers.ts';
import { openExisting } from '../runtime/container/open.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Resume extends RuntimeCommand {
  static override id = 'resume';
  static override summary = "let a paused container's processes go on";
  static override description = 'They go on where `pause` stopped them.';
  static override examples = [{ description: 'After a pause', command: 'runchart pause c1 && runchart resume c1' }];
  static override args = { 'container-id': containerId };
  static override flags = globals;

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Resume);
    const { context } = await this.prepare(flags, args['container-id']);
    const id = args['container-id'];
    checkContainerId(id);
    const container = await openExisting(context, id, 'resume');
    try {
      succeed(context, await container.request({ type: 'resume' }));
    } finally {
      container.close();
    }
    return 0;
  }
}
