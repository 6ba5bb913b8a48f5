import manifest from '../package.json' with { type: 'json' };
import { print } from '../runtime/host/output.ts';
import { featuresOf } from '../runtime/operations/features.ts';
import { RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';
import { goJson } from './view.ts';

export default class Features extends RuntimeCommand {
  static override id = 'features';
  static override summary = 'show what this runtime can do, as JSON';
  static override description =
    'The features document of the OCI runtime specification: of this build, on this kernel.';
  static override examples = [{ description: 'The namespaces', command: 'runchart features | jq .linux.namespaces' }];
  static override takes = [0, 0] as const;
  static override flags = globals;

  async run(): Promise<number> {
    const { flags } = await this.parse(Features);
    const { context } = await this.prepare(flags);
    const { platform } = context;
    print(platform.local, `${goJson(featuresOf(platform, manifest.version), 4)}\n`);
    return 0;
  }
}
