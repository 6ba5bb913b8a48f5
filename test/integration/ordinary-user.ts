/**
 * Runs dist/runchart as an ordinary user who has no entry on this machine. What the user needs is in a mount namespace
 * of the command.
 */

import { spawnSync } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noContainers } from './bundle.ts';
import { RUNCHART } from './command-line.ts';
import { PATIENCE } from './patience.ts';

export const USER = 54_321;
/** The first of the subordinate ids of the user, who may have some. */
export const SUBORDINATE = 3_000_000;

const asUser = ['setpriv', '--reuid', `${USER}`, '--regid', `${USER}`, '--clear-groups'];

export function noOrdinaryUser(): string | false {
  if (noContainers !== false) return noContainers;
  const reaches = spawnSync('setpriv', [...asUser.slice(1), 'test', '-x', RUNCHART]).status === 0;
  return reaches ? false : `an ordinary user does not reach ${RUNCHART}`;
}

export const noMappingTool: string | false =
  spawnSync('newuidmap', []).error === undefined ? false : 'newuidmap is not installed';

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param folder a folder of the test. `own` gives what is in it to the user. */
export function ordinaryUser(
  folder: string,
  { subordinate, program = RUNCHART }: { readonly subordinate: boolean; readonly program?: string },
) {
  const runtimeDirectory = join(folder, 'run');
  mkdirSync(runtimeDirectory, { recursive: true });
  const account = join(folder, 'account');
  mkdirSync(account, { recursive: true });
  const files = {
    passwd: `${readFileSync('/etc/passwd', 'utf8')}tester:x:${USER}:${USER}::/:/bin/sh\n`,
    subuid: subordinate ? `tester:${SUBORDINATE}:1000\n` : '',
    subgid: subordinate ? `tester:${SUBORDINATE}:1000\n` : '',
  };
  const binds = Object.entries(files).map(([name, text]) => {
    writeFileSync(join(account, name), text);
    return `touch /etc/${name} && mount --bind '${join(account, name)}' /etc/${name}`;
  });

  function own(...paths: readonly string[]): void {
    for (const path of [folder, runtimeDirectory, ...paths]) chownSync(path, USER, USER);
  }

  /** How he comes to execute a command: what to spawn, and with what. */
  const command = (argv: readonly string[]) => ({
    program: 'unshare',
    argv: ['-m', 'sh', '-c', `${binds.join(' && ')} && exec "$@"`, 'sh', ...asUser, program, ...argv],
    env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtimeDirectory },
    cwd: folder,
  });

  function run(argv: readonly string[]): Ended {
    const [out, err] = [join(folder, 'stdout'), join(folder, 'stderr')];
    // A container that is left running would hold pipes.
    const fds = [openSync(out, 'w'), openSync(err, 'w')] as const;
    const { program: first, argv: rest, env, cwd } = command(argv);
    try {
      const { status } = spawnSync(first, rest, {
        stdio: ['ignore', ...fds],
        env,
        cwd,
        timeout: 60_000 * PATIENCE,
      });
      return { status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  }

  return { command, run, own, stateRoot: join(runtimeDirectory, 'runchart') };
}
