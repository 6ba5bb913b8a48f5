import { createInBackground } from '../runtime/operations/background.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { askedContainer, createFlags, withPrefix } from './create-flags.ts';

export default class Create extends RuntimeCommand {
  static override id = 'create';
  static override summary = 'create a container, and leave its program waiting for `start`';
  static override description =
    'The container is made from the bundle: its namespaces, cgroup and root filesystem. ' +
    'A process of its own holds it until `start` executes its program.';
  static override examples = [
    { description: 'From the bundle in the current directory', command: 'runchart create c1' },
    {
      description: 'From elsewhere, with the pid for a supervisor',
      command: 'runchart create -b /srv/web --pid-file /run/web.pid web',
    },
  ];
  static override args = { 'container-id': containerId };
  static override flags = createFlags;

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Create);
    const { context } = await this.prepare(flags, args['container-id']);
    return withPrefix('runchart create failed', async () => {
      const { request, options } = await askedContainer(context, args['container-id'], flags);
      return createInBackground(context, request, { ...options, start: false });
    });
  }
}
