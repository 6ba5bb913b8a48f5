import { observe } from '../runtime/container/observe.ts';
import { print } from '../runtime/host/output.ts';
import { lookAt } from '../runtime/store/look.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';
import { goJson, stateOf } from './view.ts';

export default class State extends RuntimeCommand {
  static override id = 'state';
  static override summary = 'show the state of a container, as JSON';
  static override description =
    'The JSON is the state of the OCI runtime specification, and a few members more. ' +
    'The status is creating, created, running, paused or stopped, as it is now.';
  static override examples = [{ description: 'The pid alone', command: 'runchart state c1 | jq .pid' }];
  static override args = { 'container-id': containerId };
  static override flags = globals;

  async run(): Promise<number> {
    const { args, flags } = await this.parse(State);
    const { context } = await this.prepare(flags);
    const id = args['container-id'];
    checkContainerId(id);
    const { platform, root } = context;
    const kernel = platform.local;
    const view = await lookAt({ kernel, root, observe: (record) => observe(platform, record) }, id);
    print(kernel, goJson(stateOf(view, ''), 2));
    return 0;
  }
}
