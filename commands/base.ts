/** What all commands share: how they are constructed, and how they prepare for their containers. */

import { string } from '@oclif/core/args';
import { Command } from '@oclif/core/command';
import type { Input, ParserOutput } from '@oclif/core/interfaces';
import type { Host } from '../runtime/host/host.ts';
import { type Prepared, prepare } from '../runtime/host/prepare.ts';
import { logFormat, rootless } from './line.ts';
import { parsePlain } from './parse.ts';

/** The members of a Config that oclif's parser uses. A real Config reads package.json, manifests and XDG folders. */
const CONFIG = {
  bin: 'runchart',
  runHook: async () => ({ successes: [], failures: [] }),
  scopedEnvVar: () => undefined,
  scopedEnvVarKey: (name: string) => `RUNCHART_${name}`,
  scopedEnvVarKeys: (name: string) => [`RUNCHART_${name}`],
} as unknown as ConstructorParameters<typeof Command>[1];

/** The type that oclif gives to the values of flags and arguments. */
// biome-ignore lint/suspicious/noExplicitAny: oclif's own type is this one
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
  /** The least and the greatest number of arguments. */
  static readonly takes: readonly [number, number] = [1, 1];
  /** How many arguments belong to the command itself. The words after them, flags included, are for another program. */
  static readonly ownWords: number = Number.POSITIVE_INFINITY;

  readonly host: Host;
  /** Set once the flags have been understood. */
  prepared: Prepared | undefined;

  /** @param argv as readLine (line.ts) leaves it */
  constructor(argv: readonly string[], host: Host) {
    super([...argv], CONFIG);
    this.host = host;
  }

  /** @returns the exit status */
  abstract override run(): Promise<number>;

  /** A plain line is read without oclif's parser, which makes a cold start slower (parse.ts). */
  protected override async parse<F extends Values, B extends Values, A extends Values>(
    command: Input<F, B, A>,
  ): Promise<ParserOutput<F, B, A>> {
    const { flags = {}, args = {} } = command;
    const plain = await parsePlain(this.argv, { flags, args });
    // oclif derives its types from the same definitions as `plain` was read by, so the types fit.
    return plain === undefined ? super.parse(command) : (plain as unknown as ParserOutput<F, B, A>);
  }

  /**
   * The arguments in the order in which they were given. oclif's own list puts a repeated word where it stands first.
   */
  protected get words(): readonly string[] {
    return this.argv.slice(this.argv.indexOf('--') + 1);
  }

  /**
   * @param container given by a command that asks something of a container's machine: watchers are told of it
   * @throws UsageError; Error, of one line
   */
  protected async prepare(flags: GlobalFlags, container?: string): Promise<Prepared> {
    const options = {
      root: flags.root,
      log: flags.log,
      logFormat: logFormat(flags['log-format']),
      debug: flags.debug,
      systemdCgroup: flags['systemd-cgroup'],
      rootless: rootless(flags.rootless),
      trace: flags.trace,
    };
    const { id: command } = this.constructor as unknown as CommandClass;
    const prepared = await prepare(this.host, options, { command, id: container });
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

/** The argument that most commands take. Without `ignoreStdin`, oclif would read a missing name from standard input. */
export const containerId = string({ required: true, ignoreStdin: true, description: 'name of the container' });
