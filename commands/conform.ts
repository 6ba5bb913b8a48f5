import { boolean, integer, string } from '@oclif/core/flags';
import { environmentOf } from '../runtime/host/environment.ts';
import { print, tryWriteAll } from '../runtime/host/output.ts';
import { absolutePath } from '../runtime/host/path.ts';
import { RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';
import { integerFor } from './integer.ts';
import { UsageError } from './line.ts';

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
    runs: integer({
      helpValue: 'N',
      default: 30,
      parse: integerFor('runs', 0),
      description: 'how many sequences are made by chance',
    }),
    seed: integer({
      helpValue: 'N',
      parse: integerFor('seed'),
      description: 'what the sequences by chance are made from (default: another one each time)',
    }),
    patience: integer({
      helpValue: 'SECONDS',
      default: 10,
      parse: integerFor('patience', 1),
      description: 'how long a command, or a process that ends, may take',
    }),
    bundles: string({ helpValue: 'DIR', description: 'only write the bundles there, and check nothing' }),
    quiet: boolean({ char: 'q', description: 'do not show on standard error how far it is' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(Conform);
    const { context } = await this.prepare(flags);
    const { local } = context.platform;
    // fast-check and XState's graph come with it.
    const { checkRuntime } = await import('../conform/command.ts');
    if (flags.runtime === undefined && flags.bundles === undefined)
      throw new UsageError('conform needs --runtime PATH: the program to check');
    const runtime = flags.runtime ?? '';
    return checkRuntime({
      runtime: runtime.includes('/') ? absolutePath(this.host, runtime) : runtime,
      profile: flags.profile,
      format: flags.format,
      runs: flags.runs,
      seed: flags.seed,
      patience: flags.patience * 1000,
      bundles: flags.bundles === undefined ? undefined : absolutePath(this.host, flags.bundles),
      uid: this.host.uid,
      env: variablesOf(environmentOf(this.host, local)),
      print: (text) => print(local, text),
      progress: flags.quiet ? undefined : (text) => tryWriteAll(local, 2, text),
    });
  }
}

/** A variable that is no text cannot be handed on by Node's modules. */
function variablesOf(env: ReturnType<typeof environmentOf>): Record<string, string> {
  const texts = env.filter((variable) => typeof variable === 'string');
  return Object.fromEntries(
    texts.map((text): [string, string] => {
      const equals = text.indexOf('=');
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}
