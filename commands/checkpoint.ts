import { boolean, integer, string } from '@oclif/core/flags';
import { checkpointContainer } from '../runtime/operations/checkpoint.ts';
import { checkContainerId } from '../spec/id.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { criuFlags, criuOptions, warnRootless } from './criu.ts';
import { globals } from './globals.ts';

export default class Checkpoint extends RuntimeCommand {
  static override id = 'checkpoint';
  static override summary = 'write the processes of a container to disk';
  static override description =
    'CRIU writes them, and must be installed. The container is deleted afterwards, unless it is to be left running. ' +
    '`restore` brings it back from the same bundle. If the checkpoint fails, the container goes on as before.';
  static override examples = [
    { description: 'To a folder of your choice', command: 'runchart checkpoint --image-path /srv/c1.images c1' },
    {
      description: 'Write most of the memory while it runs, and the rest while it is stopped',
      command:
        'runchart checkpoint --pre-dump --image-path /srv/first c1 && ' +
        'runchart checkpoint --parent-path ../first --image-path /srv/last c1',
    },
  ];
  static override args = { 'container-id': containerId };
  static override flags = {
    ...globals,
    ...criuFlags,
    'parent-path': string({
      helpValue: 'DIR',
      description: 'the images of an earlier --pre-dump, relative to the new ones',
    }),
    'leave-running': boolean({ description: 'let the container go on' }),
    'tcp-skip-in-flight': boolean({ description: 'leave out TCP connections that are being made' }),
    'link-remap': boolean({ description: 'give files that were unlinked while open a name again, where possible' }),
    'status-fd': integer({
      helpValue: 'FD',
      description: 'write a zero byte to this descriptor once the page server of --lazy-pages is ready',
    }),
    'page-server': string({ helpValue: 'ADDRESS:PORT', description: 'send the memory to a page server' }),
    'pre-dump': boolean({ description: 'write the memory only, and let the container go on' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Checkpoint);
    const { context } = await this.prepare(flags, args['container-id']);
    warnRootless(context);
    const id = args['container-id'];
    checkContainerId(id);
    const statusFd = flags['status-fd'];
    const options = {
      ...criuOptions(context, flags),
      parentPath: flags['parent-path'] || undefined,
      tcpSkipInFlight: flags['tcp-skip-in-flight'],
      linkRemap: flags['link-remap'],
      statusFd: statusFd === undefined || statusFd < 0 ? undefined : statusFd,
      pageServer: pageServer(flags['page-server'] ?? ''),
    };
    const kind = { leaveRunning: flags['leave-running'], preDump: flags['pre-dump'] };
    await checkpointContainer(context, id, kind, options);
    return 0;
  }
}

/** `[::1]:80` as well. @throws Error with runc's texts */
function pageServer(text: string): { readonly address: string; readonly port: number } | undefined {
  if (text === '') return undefined;
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):([^:]+)$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined) throw new Error('Use --page-server ADDRESS:PORT to specify page server');
  if (!/^\+?\d+$/.test(port) || Number(port) > 65_535) throw new Error('Invalid port number');
  return { address, port: Number(port) };
}
