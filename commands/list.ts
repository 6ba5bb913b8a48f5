import { boolean, string } from '@oclif/core/flags';
import { observe } from '../runtime/container/observe.ts';
import { print, tryWriteAll } from '../runtime/host/output.ts';
import { userNames } from '../runtime/host/users.ts';
import { lookAtAll } from '../runtime/store/look.ts';
import type { ContainerRecord } from '../spec/record.ts';
import type { PrintedState } from '../spec/types.ts';
import { RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';
import { goJson, stateOf, table } from './view.ts';

export default class List extends RuntimeCommand {
  static override id = 'list';
  static override summary = 'list the containers below the root';
  static override description = 'Containers whose state is damaged are named on standard error.';
  static override examples = [
    { description: 'For a script', command: 'runchart list --format json' },
    { description: 'The containers below another root', command: 'runchart --root /run/user/1000/runchart list' },
  ];
  static override takes = [0, 0] as const;
  static override flags = {
    ...globals,
    format: string({ char: 'f', helpValue: 'table|json', default: 'table', description: 'the form of the list' }),
    quiet: boolean({ char: 'q', description: 'show the names alone' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(List);
    const { context } = await this.prepare(flags);
    const { platform, root } = context;
    const kernel = platform.local;
    const ownerOf = userNames(kernel);
    const states: PrintedState[] = [];
    const look = { kernel, root, observe: (one: ContainerRecord) => observe(platform, one) };
    // As in runc, only the default root may be missing.
    for (const { id, view, problem } of await lookAtAll({ ...look, rootMustExist: flags.root !== undefined })) {
      if (view !== undefined) states.push(stateOf(view, ownerOf(view.record.owner)));
      else tryWriteAll(kernel, 2, `load container ${id}: ${problem instanceof Error ? problem.message : problem}\n`);
    }
    print(kernel, shown(states, flags));
    return 0;
  }
}

function shown(states: readonly PrintedState[], { quiet, format }: { quiet: boolean; format: string }): string {
  if (quiet) return states.map(({ id }) => `${id}\n`).join('');
  if (format === 'table') return table(states);
  // Go encodes an empty list as `null`, and engines parse it.
  if (format === 'json') return `${states.length === 0 ? 'null' : goJson(states)}\n`;
  throw new Error('invalid format option');
}
