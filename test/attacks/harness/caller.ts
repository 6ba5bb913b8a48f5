/** Who calls runchart in a try: root or an ordinary user, under some umask. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { rootlessConfig } from '../../../spec/default.ts';
import { shellConfig } from '../../integration/bundle.ts';
import { RUNCHART } from '../../integration/command-line.ts';
import type { ShellConfig } from '../../integration/containers.ts';
import { noOrdinaryUser, ordinaryUser, USER } from '../../integration/ordinary-user.ts';
import type { Invocation } from './command.ts';
import type { Random } from './random.ts';

export type Who = 'root' | 'user';

export interface Caller {
  readonly who: Who;
  readonly umask: number;
  /** The state root. */
  readonly root: string;
  /** Of runchart's, as the invocation has it. */
  readonly program: string;
  /** What to execute for a command with these arguments. */
  invocation(argv: readonly string[]): Omit<Invocation, 'output'>;
  /** A config whose program is a script, as this caller may have it. */
  config(script: string): ShellConfig;
  /** Makes the caller the owner of a folder with all that is in it. */
  own(folder: string): void;
}

const UMASKS = [0o000, 0o022, 0o077] as const;

/** @param folder of the try */
export function someCaller(folder: string, random: Random, among: readonly Who[]): Caller {
  const umask = random.pick(UMASKS);
  const who = random.pick(among);
  const home = join(folder, who);
  mkdirSync(home);
  return who === 'user' && noOrdinaryUser() === false ? asUser(home, umask) : asRoot(home, umask);
}

const title = (who: Who, umask: number, argv: readonly string[]): string =>
  `${argv.join(' ')} (${who}, umask ${umask.toString(8).padStart(3, '0')})`;

function asRoot(home: string, umask: number): Caller {
  const root = join(home, 'state');
  return {
    who: 'root',
    umask,
    root,
    program: RUNCHART,
    invocation: (argv) => ({
      program: RUNCHART,
      argv: ['--root', root, ...argv],
      umask,
      what: title('root', umask, argv),
    }),
    config: shellConfig,
    own: () => undefined,
  };
}

function asUser(home: string, umask: number): Caller {
  const user = ordinaryUser(home, { subordinate: false });
  user.own();
  return {
    who: 'user',
    umask,
    root: user.stateRoot,
    program: RUNCHART,
    invocation: (argv) => ({ ...user.command(argv), umask, what: title('user', umask, argv) }),
    config(script) {
      const unifiedCgroups = existsSync('/sys/fs/cgroup/cgroup.controllers');
      const config = rootlessConfig({ unifiedCgroups, uid: USER, gid: USER });
      return { ...config, process: { ...shellConfig(script).process, cwd: '/' } };
    },
    own: (path) => void execFileSync('chown', ['-R', `${USER}:${USER}`, path]),
  };
}
