/** What all commands have in common: how they are made, and how they get to their containers. */

import { string } from '@oclif/core/args';
import { Command } from '@oclif/core/command';
import type { Input, ParserOutput } from '@oclif/core/interfaces';
import type { Host } from '../runtime/host/host.ts';
import { type Prepared, prepare } from '../runtime/host/prepare.ts';
import { logFormat, rootless } from './line.ts';
import { parsePlain } from './parse.ts';

/** What oclif's parser asks of a Config. A real one reads package.json, manifests and XDG folders from disk. */
const CONFIG = {
  bin: 'runchart',
  runHook: async () => ({ successes: [], failures: [] }),
  scopedEnvVar: () => undefined,
  scopedEnvVarKey: (name: string) => `RUNCHART_${name}`,
  scopedEnvVarKeys: (name: string) => [`RUNCHART_${name}`],
} as unknown as ConstructorParameters<typeof Command>[1];

/** oclif's own word for what flags and arguments come to. */
// biome-ignore lint/suspicious/noExplicitAny: as oclif has it
type Values = Record<string, any>;

interface GlobalFlags {
  readonly root?: string | undefined;
  readonly log?: string | undefined;
  readonly 'log-format'?: string | undefined;
  readonly debug: boolean;
  readonly 'systemd-cgroup': boolean;
  readonly rootless?: string | undefined;
  readonly criu?: string | undefined;
  readonly trace?: string | undefined;
}

export abstract class RuntimeCommand extends Command {
  /** How many arguments it takes, from and to. */
  static readonly takes: readonly [number, number] = [1, 1];
  /** Of them, how many are its own: those behind, and flags among them, are for another program. */
  static readonly ownWords: number = Number.POSITIVE_INFINITY;

  readonly host: Host;
  /** Once its flags have been understood. */
  prepared: Prepared | undefined;

  /** @param argv as readLine (line.ts) leaves it */
  constructor(argv: readonly string[], host: Host) {
    super([...argv], CONFIG);
    this.host = host;
  }

  /** @returns the exit status */
  abstract override run(): Promise<number>;

  /** A plain line is read without oclif's parser: it is what a cold start can spare. */
  protected override async parse<F extends Values, B extends Values, A extends Values>(
    command: Input<F, B, A>,
  ): Promise<ParserOutput<F, B, A>> {
    const { flags = {}, args = {} } = command;
    const plain = await parsePlain(this.argv, { flags, args });
    // The definitions that it was read by are the ones that oclif's types were derived from.
    return plain === undefined ? super.parse(command) : (plain as unknown as ParserOutput<F, B, A>);
  }

  /** The arguments as they were given. oclif's own list of them is sorted by where each word stands first. */
  protected get words(): readonly string[] {
    return this.argv.slice(this.argv.indexOf('--') + 1);
  }

  /** @throws UsageError; Error, of one line */
  protected async prepare(flags: GlobalFlags): Promise<Prepared> {
    const prepared = await prepare(this.host, {
      root: flags.root,
      log: flags.log,
      logFormat: logFormat(flags['log-format']),
      debug: flags.debug,
      systemdCgroup: flags['systemd-cgroup'],
      rootless: rootless(flags.rootless),
      trace: flags.trace,
    });
    this.prepared = prepared;
    if (flags.criu !== undefined) prepared.context.warn('--criu is ignored: CRIU is the criu in $PATH');
    return prepared;
  }
}

/** What a module of a command exports. */
export interface CommandClass {
  readonly id: string;
  readonly summary?: typeof Command.summary | undefined;
  readonly description?: typeof Command.description | undefined;
  readonly examples?: typeof Command.examples | undefined;
  readonly args: typeof Command.args;
  readonly flags: typeof Command.flags;
  readonly takes: readonly [number, number];
  readonly ownWords: number;
  new (argv: readonly string[], host: Host): RuntimeCommand;
}

/** The argument that most commands take. `ignoreStdin`: oclif would wait for it there. */
export const containerId = string({ required: true, ignoreStdin: true, description: 'name of the container' });
