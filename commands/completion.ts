import { writeSync } from 'node:fs';
import { string } from '@oclif/core/args';
import { signalNames } from '../runtime/operations/signal.ts';
import { RuntimeCommand } from './base.ts';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { type Completed, completed } from './completion/model.ts';
import { zshCompletion } from './completion/zsh.ts';
import { globals } from './globals.ts';
import { COMMANDS } from './table.ts';

const SHELLS: ReadonlyMap<string, (completed: Completed) => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

export default class Completion extends RuntimeCommand {
  static override id = 'completion';
  static override summary = 'print a script that completes commands and names of containers in your shell';
  static override args = {
    shell: string({ required: true, ignoreStdin: true, options: [...SHELLS.keys()], description: 'the shell' }),
  };
  static override flags = globals;
  static override examples = [
    { description: 'bash, for this session', command: 'source <(runchart completion bash)' },
    {
      description: 'bash, for good',
      command: 'runchart completion bash > /etc/bash_completion.d/runchart',
    },
    { description: 'zsh, after compinit in ~/.zshrc', command: 'source <(runchart completion zsh)' },
    { description: 'fish', command: 'runchart completion fish > ~/.config/fish/completions/runchart.fish' },
  ];

  async run(): Promise<number> {
    const { args } = await this.parse(Completion);
    const script = SHELLS.get(args.shell);
    if (script === undefined) throw new Error(`no completion for ${args.shell}`);
    const classes = await Promise.all([...COMMANDS.values()].map(async (load) => (await load()).default));
    writeSync(1, script(completed(classes, globals, signalNames())));
    return 0;
  }
}
