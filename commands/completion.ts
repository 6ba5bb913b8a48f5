import { writeSync } from 'node:fs';
import { string } from '@oclif/core/args';
import { RuntimeCommand } from './base.ts';
import { completionScripts, shells } from './completion/scripts.ts';
import { globals } from './globals.ts';

export default class Completion extends RuntimeCommand {
  static override id = 'completion';
  static override summary = 'print a script that completes commands and names of containers in your shell';
  static override args = {
    shell: string({ required: true, ignoreStdin: true, options: [...shells], description: 'the shell' }),
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
    const script = (await completionScripts()).get(args.shell);
    if (script === undefined) throw new Error(`no completion for ${args.shell}`);
    writeSync(1, script);
    return 0;
  }
}
