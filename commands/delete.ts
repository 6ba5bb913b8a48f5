import { boolean } from '@oclif/core/flags';
import { succeed } from '../runtime/container/answers.ts';
import { optionsFor } from '../runtime/container/open.ts';
import { deleteContainer } from '../runtime/operations/delete.ts';
import { listDirectories } from '../runtime/store/directory.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Delete extends RuntimeCommand {
  static override id = 'delete';
  static override summary = 'remove a container that has stopped, and all that is left of it';
  static override description =
    'Its cgroup and its state are removed. A container that has been created but not started is ended first. ' +
    'With --force any container is ended first, and a container that does not exist is no error.';
  static override examples = [
    { description: 'Whatever its state', command: 'runchart delete --force c1' },
    { description: 'All whose names begin so', command: "runchart delete --regex '^web-'" },
  ];
  static override args = { 'container-id': containerId };
  static override flags = {
    ...globals,
    force: boolean({ char: 'f', description: 'whatever its state: kill it first, and take what is damaged too' }),
    regex: boolean({ char: 'r', description: 'the name is a regular expression, for all containers that match it' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Delete);
    const { context } = await this.prepare(flags, args['container-id']);
    const id = args['container-id'];
    const remove = async (one: string) =>
      succeed(context, await deleteContainer(optionsFor(context, one), flags.force));
    if (flags.regex) {
      const { forEachMatch } = await import('./several.ts');
      const names = listDirectories(context.platform.local, context.root, true);
      return forEachMatch({ pattern: id, names, act: remove, warn: context.warn });
    }
    checkContainerId(id);
    await remove(id);
    return 0;
  }
}
