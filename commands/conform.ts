import { string } from '@oclif/core/flags';
import { RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';

export default class Conform extends RuntimeCommand {
  static override id = 'conform';
  static override summary = 'check any OCI runtime against the lifecycle chart';
  static override description =
    'Makes containers with the runtime, by its command line, in all sequences that show each state and transition of ' +
    'the chart, two commands at once included, and then in sequences by chance. After each step it compares the exit ' +
    'status, `state`, `list`, what the kernel shows, and what is left. ' +
    'The profile `spec` asks for what the specification says, `runc` for what runc does. ' +
    'Each deviation is shown once, with the shortest sequence of commands. ' +
    'The exit status is 0 if there is none, 2 if there are some. ' +
    'The containers have a state root and a cgroup of their own. All is removed at the end, whatever the runtime ' +
    'leaves. It needs root.';
  static override examples = [
    { description: 'runc, by the words of the specification', command: 'runchart conform --runtime runc' },
    {
      description: 'Sequences by chance for a long time, in a form for test harnesses',
      command: 'runchart conform --runtime crun --profile runc --runs 1000 --seed 7 --format tap',
    },
    {
      description: 'The bundles, to repeat what a report shows',
      command: 'runchart conform --runtime runc --bundles ./bundles',
    },
  ];
  static override takes = [0, 0] as const;
  static override flags = {
    ...globals,
    runtime: string({ helpValue: 'PATH', description: 'the program that is checked: a path, or a name in $PATH' }),
    profile: string({ helpValue: 'spec|runc', default: 'spec', description: 'what it is compared with' }),
    format: string({ char: 'f', helpValue: 'text|json|tap', default: 'text', description: 'the form of the report' }),
    runs: string({ helpValue: 'N', default: '30', description: 'how many sequences are made by chance' }),
    seed: string({
      helpValue: 'N',
      description: 'what the sequences by chance are made from (default: another number each time)',
    }),
    patience: string({
      helpValue: 'SECONDS',
      default: '10',
      description: 'how long a command, or a process that ends, may take',
    }),
    bundles: string({ helpValue: 'DIR', description: 'only write the bundles there, and check nothing' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(Conform);
    const { context } = await this.prepare(flags);
    // All else of this command is bundled apart (build/apart.ts): the other commands are not to pay for it.
    const { checkRuntime } = await import('../conform/command.ts');
    return checkRuntime({ ...flags, host: this.host, kernel: context.platform.local });
  }
}
