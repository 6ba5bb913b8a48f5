import { string as argument } from '@oclif/core/args';
import { boolean, integer, string } from '@oclif/core/flags';
import { givenPath } from '../runtime/host/path.ts';
import { execInContainer } from '../runtime/operations/exec.ts';
import { overriddenProcess, readProcess } from '../runtime/operations/exec-process.ts';
import { checkContainerId } from '../spec/id.ts';
import type { ContainerRecord } from '../spec/record.ts';
import type { Process } from '../spec/types.ts';
import { containerId, RuntimeCommand } from './base.ts';
import { globals } from './globals.ts';
import { integerFor } from './integer.ts';
import { report } from './report.ts';

/** The exit status of runc's `exec` when it fails by itself. */
const FAILED = 255;

export default class Exec extends RuntimeCommand {
  static override id = 'exec';
  static override summary = 'execute another program in a container';
  static override description =
    "It runs in the container's namespaces and cgroup. It gets what config.json gives to the container's own " +
    "process, changed by the flags. The program and its arguments follow the container's name. " +
    "The command ends with the program's exit status, or with 255 if the program could not be executed.";
  static override examples = [
    { description: 'Look around', command: 'runchart exec c1 ls -la /' },
    { description: 'A shell', command: 'runchart exec -t c1 sh' },
    { description: 'As another user, with another variable', command: 'runchart exec -u 1000:1000 -e A=b c1 env' },
  ];
  static override strict = false;
  static override takes = [1, Number.POSITIVE_INFINITY] as const;
  static override ownWords = 1;
  static override args = {
    'container-id': containerId,
    command: argument({ ignoreStdin: true, description: 'the program, and its arguments; none with --process' }),
  };
  static override flags = {
    ...globals,
    'console-socket': string({
      helpValue: 'PATH',
      description: "a Unix socket that is sent the master of the process's terminal",
    }),
    'pidfd-socket': string({ helpValue: 'PATH', description: 'a Unix socket that is sent a pidfd of the process' }),
    cwd: string({ helpValue: 'DIR', description: 'its working directory, in the container' }),
    env: string({
      multiple: true,
      char: 'e',
      helpValue: 'NAME=VALUE',
      description: 'another variable; may be given several times',
    }),
    tty: boolean({ char: 't', description: 'give it a terminal' }),
    user: string({ char: 'u', helpValue: 'UID[:GID]', description: 'run it as this user, by number' }),
    'additional-gids': integer({
      multiple: true,
      char: 'g',
      helpValue: 'GID',
      parse: integerFor('additional-gids'),
      description: 'another group; may be given several times',
    }),
    process: string({
      char: 'p',
      helpValue: 'FILE',
      description: 'a process.json that describes the process, instead of flags and arguments',
    }),
    detach: boolean({ char: 'd', description: 'do not wait for it to end' }),
    'pid-file': string({ helpValue: 'FILE', description: "write the process's pid to this file" }),
    'process-label': string({ helpValue: 'LABEL', description: 'its SELinux label' }),
    apparmor: string({ helpValue: 'PROFILE', description: 'its AppArmor profile' }),
    'no-new-privs': boolean({ allowNo: true, description: 'set no_new_privs for it' }),
    cap: string({
      multiple: true,
      char: 'c',
      helpValue: 'CAP',
      description: 'another capability; may be given several times',
    }),
    'preserve-fds': integer({
      helpValue: 'N',
      default: 0,
      parse: integerFor('preserve-fds', 0),
      description: 'pass on N more descriptors, those after standard error',
    }),
    cgroup: string({
      multiple: true,
      helpValue: '[CONTROLLER:]PATH',
      description: "a cgroup below the container's, which must be there; may be given several times, by v1 controllers",
    }),
    'ignore-paused': boolean({
      description: 'execute in a paused container too; the program runs once the container is resumed',
    }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Exec);
    const { context } = await this.prepare(flags, args['container-id']);
    const id = args['container-id'];
    const [, ...program] = this.words;
    try {
      checkContainerId(id);
      const decide = (record: ContainerRecord): Process | Promise<Process> =>
        flags.process
          ? readProcess(context, record, flags.process)
          : overriddenProcess(record, {
              args: program,
              cwd: flags.cwd,
              env: flags.env,
              terminal: flags.tty,
              user: flags.user,
              additionalGids: flags['additional-gids'],
              capabilities: flags.cap,
              noNewPrivileges: flags['no-new-privs'],
              apparmorProfile: flags.apparmor,
              selinuxLabel: flags['process-label'],
            });
      return await execInContainer(
        context,
        { id, process: decide, ignorePaused: flags['ignore-paused'], cgroups: flags.cgroup ?? [] },
        {
          detach: flags.detach,
          consoleSocket: givenPath(context.host, flags['console-socket']),
          pidfdSocket: givenPath(context.host, flags['pidfd-socket']),
          pidFile: givenPath(context.host, flags['pid-file']),
          preserveFds: flags['preserve-fds'],
        },
      );
    } catch (error) {
      const { host, prepared } = this;
      report(failure(error), { argv: this.argv, host, prepared });
      return FAILED;
    }
  }
}

/** runc puts these words before any error of `exec`. */
const failure = (error: unknown): Error =>
  new Error(`exec failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
