import { boolean, string } from '@oclif/core/flags';
import { restoreInBackground, restoreInForeground } from '../runtime/operations/restore.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { askedContainer, createFlags } from './create-flags.ts';
import { criuFlags, criuOptions, warnRootless } from './criu.ts';
import { globals } from './globals.ts';

export default class Restore extends RuntimeCommand {
  static override id = 'restore';
  static override summary = 'bring a checkpointed container back, and wait for it to end';
  static override description =
    'The container is made from its bundle as by `run`, and its processes go on from the images of `checkpoint`. ' +
    'If a standard descriptor was a pipe or /dev/null, it becomes that of the caller.';
  static override examples = [
    {
      description: 'From the bundle in the current directory',
      command: 'runchart restore --image-path /srv/c1.images c1',
    },
    {
      description: 'In the background, under another name',
      command: 'runchart restore -d -b /srv/web --image-path /srv/web.images web2',
    },
  ];
  static override args = { 'container-id': containerId };
  static override flags = {
    ...globals,
    ...criuFlags,
    bundle: createFlags.bundle,
    'console-socket': createFlags['console-socket'],
    'pid-file': createFlags['pid-file'],
    'no-pivot': boolean({ description: 'accepted as by `run`; CRIU enters the rootfs by itself' }),
    detach: boolean({ char: 'd', description: 'do not wait for it to end' }),
    'no-subreaper': boolean({ description: 'leave processes that lose their parent to others' }),
    'lsm-profile': string({
      helpValue: 'TYPE:NAME',
      description: 'the profile or label of a security module, instead of the one in the images',
    }),
    'lsm-mount-context': string({ helpValue: 'CONTEXT', description: 'the security context of restored mounts' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Restore);
    const { context } = await this.prepare(flags, args['container-id']);
    warnRootless(context);
    const criu = {
      ...criuOptions(context, flags),
      lsmProfile: flags['lsm-profile'] || undefined,
      lsmMountContext: flags['lsm-mount-context'] || undefined,
    };
    const { request, options } = await askedContainer(context, args['container-id'], {
      ...flags,
      'no-new-keyring': false,
      'preserve-fds': 0,
    });
    if (flags.detach) return restoreInBackground(context, request, criu, options);
    return restoreInForeground(context, request, criu, { ...options, subreaper: !flags['no-subreaper'] });
  }
}
