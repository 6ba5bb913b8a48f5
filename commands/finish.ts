import { integer, string } from '@oclif/core/args';
import { removeEnded } from '../runtime/foreground/foreground.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

/**
 * The end of a `run` in the foreground that a resident engine has begun, and whose caller has waited by itself: deletes
 * the container, and ends with the status of its process. Nobody types this command.
 */
export default class Finish extends RuntimeCommand {
  static override id = 'finish';
  static override takes = [3, 3] as const;
  static override args = {
    'container-id': containerId,
    created: string({ required: true, ignoreStdin: true, description: 'when it was created, as its record says' }),
    status: integer({ required: true, ignoreStdin: true, description: 'what to end with' }),
  };
  static override flags = globals;

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Finish);
    const { context } = await this.prepare(flags);
    await removeEnded(context, args['container-id'], args.created);
    return args.status;
  }
}
