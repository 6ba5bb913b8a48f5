import { string } from '@oclif/core/args';
import { boolean } from '@oclif/core/flags';
import { keptFailures } from '../runtime/failure/kept.ts';
import { told, toldBriefly } from '../runtime/failure/told.ts';
import { print } from '../runtime/host/output.ts';
import { explainedFailure } from '../runtime/operations/explain.ts';
import { RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Explain extends RuntimeCommand {
  static override id = 'explain';
  static override summary = 'tell why a command on a container failed, and what to do about it';
  static override description =
    'The state root keeps the last 20 failures. Without a name, they are listed. ' +
    'A trace (`--trace FILE.jsonl`) tells the failure of the commands in it.';
  static override examples = [
    { description: 'Why did it not start?', command: 'runchart explain c1' },
    { description: 'The same from a trace, on any machine', command: 'runchart explain ./trace.jsonl' },
    { description: "A container of podman's", command: 'runchart --root /run/runchart explain ID' },
  ];
  static override takes = [0, 1] as const;
  static override args = {
    'container-id': string({ ignoreStdin: true, description: 'name of the container, or path of a trace' }),
  };
  static override flags = { ...globals, json: boolean({ description: 'as JSON' }) };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Explain);
    const { context } = await this.prepare(flags);
    const { local } = context.platform;
    const asked = args['container-id'];
    if (asked === undefined) {
      const all = keptFailures(local, context.root);
      print(local, flags.json ? `${JSON.stringify(all)}\n` : toldBriefly(all));
      return 0;
    }
    const failure = explainedFailure(context, asked);
    print(local, flags.json ? `${JSON.stringify(failure)}\n` : told(failure, Date.now()));
    return 0;
  }
}
