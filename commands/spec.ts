import { boolean, string } from '@oclif/core/flags';
import { absolutePath } from '../runtime/host/path.ts';
import { writeDefaultConfig } from '../runtime/operations/write-config.ts';
import { RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Spec extends RuntimeCommand {
  static override id = 'spec';
  static override summary = 'write a config.json to start from';
  static override description =
    'The container runs `sh` in a terminal, with namespaces of its own, on the root filesystem in the folder rootfs. ' +
    'A config.json that exists is left alone. ' +
    'The file is the one that `runc spec` writes, but the hostname is `runchart`.';
  static override examples = [
    { description: 'Beside the root filesystem /srv/web/rootfs', command: 'runchart spec -b /srv/web' },
  ];
  static override takes = [0, 0] as const;
  static override flags = {
    ...globals,
    bundle: string({ char: 'b', helpValue: 'DIR', description: 'where to write it (default: the current directory)' }),
    // This hides the global flag of the same name, which means another thing. runc has both as well.
    rootless: boolean({ description: 'for a container that a user without privileges runs' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(Spec);
    const { context } = await this.prepare({ ...flags, rootless: undefined });
    writeDefaultConfig(context, absolutePath(this.host, flags.bundle ?? ''), flags.rootless);
    return 0;
  }
}
