import { boolean } from '@oclif/core/flags';
import { containerId, RuntimeCommand } from './base.ts';
import { askedContainer, createFlags, withPrefix } from './create-flags.ts';

export default class Run extends RuntimeCommand {
  static override id = 'run';
  static override summary = 'create a container, start it, and wait for it to end';
  static override description =
    'This is `create` and `start` in one. In the foreground, signals go to the container, ' +
    "and the command ends with the container's exit status, or with 128 + n if signal n ended it.";
  static override examples = [
    { description: 'From the bundle in the current directory', command: 'runchart run c1' },
    { description: 'In the background', command: 'runchart run -d -b /srv/web web' },
    { description: 'See every system call that makes it', command: 'runchart --trace - run c1' },
  ];
  static override args = { 'container-id': containerId };
  static override flags = {
    ...createFlags,
    detach: boolean({ char: 'd', description: 'do not wait for it to end' }),
    keep: boolean({ description: 'do not delete it when it has ended' }),
    'no-subreaper': boolean({ description: 'leave processes that lose their parent to others' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Run);
    const { context } = await this.prepare(flags, args['container-id']);
    return withPrefix('runchart run failed', async () => {
      const { request, options } = await askedContainer(context, args['container-id'], flags);
      if (flags.detach) {
        const { createInBackground } = await import('../runtime/operations/background.ts');
        return createInBackground(context, request, { ...options, start: true });
      }
      const { runInForeground } = await import('../runtime/operations/run.ts');
      return runInForeground(context, request, {
        ...options,
        subreaper: !flags['no-subreaper'],
        keep: flags.keep,
      });
    });
  }
}
